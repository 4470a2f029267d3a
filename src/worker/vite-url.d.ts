/** What the build makes of a file that is imported for its address. */
declare module "*?url" {
  const address: string;
  export default address;
}
