/** What is seldom wanted of the engine, loaded together with the first of it: each chunk of its own would cost a first visit more than it spares. */
export { amendImage } from "./amend-calls.ts";
export { measureImage, measureSize } from "./measure-calls.ts";
