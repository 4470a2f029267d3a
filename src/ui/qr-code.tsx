/** A text as a QR code, black on white in either theme: that is what phones read. */
import { useMemo } from "react";
import { encode } from "uqr";

/** Longer texts make a code so fine that no phone reads it from a screen or a slide. */
export const MOST_IN_CODE = 1200;

/** Fields of white around it, as the standard wants. */
const QUIET = 4;

export function QrCode({ text, label }: { text: string; label: string }) {
  const code = useMemo(() => {
    const { data, size } = encode(text, { ecc: "L", border: QUIET });
    let path = "";
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        if (data[y]?.[x] !== true) continue;
        let run = 1;
        while (data[y]?.[x + run] === true) run++;
        path += `M${x} ${y}h${run}v1h-${run}z`;
        x += run;
      }
    }
    return { path, size };
  }, [text]);
  return (
    <svg className="qr" viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect width={code.size} height={code.size} fill="#ffffff" />
      <path d={code.path} fill="#000000" />
    </svg>
  );
}
