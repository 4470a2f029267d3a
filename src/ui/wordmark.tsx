/** The program's name with its sign: what a page of it begins with. */
export function Wordmark() {
  return (
    <h1 className="wordmark">
      <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
        <path d="M1 4h18M1 10h18M1 16h18" className="wordmark-track" />
        <path d="M1 4h9M1 10h14M1 16h5" className="wordmark-fill" />
      </svg>
      <span className="wordmark-word">zonescope</span>
    </h1>
  );
}
