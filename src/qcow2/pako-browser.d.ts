/** The half of pako that unpacks: the package has it as a file of its own, and declares its types for the whole alone. */
declare module "pako/browser/inflate" {
  export { Inflate } from "pako";
}
