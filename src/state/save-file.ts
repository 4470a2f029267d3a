/** Hands a file to the person: a download under a name. */

export function saveText(name: string, text: string, type = "text/plain"): void {
  saveBlob(name, new Blob([text], { type }));
}

export function saveBlob(name: string, source: Blob): void {
  const url = URL.createObjectURL(source);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the address over by then.
  window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
