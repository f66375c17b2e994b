import type { SigmaRule } from './rule';

/** A rule that matches a record, or one that threw on it. */
export type SigmaMatch =
  { readonly rule: SigmaRule; readonly failure?: undefined } | { readonly rule: SigmaRule; readonly failure: Error };
