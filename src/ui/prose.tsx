/** Text of a lesson; what stands between backticks is a line of the console. Nothing in it acts. */
import { Fragment } from "react";

export function Prose({ text }: { text: string }) {
  return text.split("`").map((part, index) => <Fragment key={index}>{index % 2 === 1 ? <code>{part}</code> : part}</Fragment>);
}
