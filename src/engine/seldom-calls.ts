/** What is seldom wanted of the engine, loaded together with the first of it: each chunk of its own would cost a first visit more than it spares. */
export { amendImage } from "./amend-calls.ts";
export { mergeBitmaps } from "./bitmap-merge-calls.ts";
export { compareImages } from "./compare.ts";
export { withHoles } from "./file-holes.ts";
export { commitImage, rebaseImage } from "./rebase-calls.ts";
export { measureImage, measureSize } from "./measure-calls.ts";
