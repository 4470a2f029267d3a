/** What the harness's worker tells its page: results one by one, then the end. */
export interface HarnessResult {
  readonly type: "result";
  readonly suite: string;
  readonly name: string;
  /** null when the check held. */
  readonly failure: string | null;
}

export type HarnessMessage = HarnessResult | { readonly type: "done" } | { readonly type: "broken"; readonly detail: string };
