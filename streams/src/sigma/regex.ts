import { messageOf } from '@protego/contracts';
import { RE2JS } from 're2js';
import { regexLengthMin } from './plan/regex-literals';
import { quote, rejectAt, type SourcePosition } from './problem';
import type { TextTest } from './text-test';

/** Flags of Sigma's `re` modifier: `i` ignores case, `m` lets `^` and `$` stand at lines, `s` lets `.` be a line end. */
export type RegexFlag = 'i' | 'm' | 's';

const FLAG_BITS: Readonly<Record<RegexFlag, number>> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
};
/** Most instructions of a compiled pattern: time to match grows with it. */
const PROGRAM_SIZE_MAX = 20_000;

/**
 * A search for a pattern in RE2 syntax. RE2 runs in time linear in the text, so that no event can stall the engine; in
 * return it has no look-around and no back-references.
 *
 * @throws ProtegoError `SIGMA_REGEX_UNSUPPORTED` when RE2 refuses the pattern or it is too large
 */
export function compileRegex(pattern: string, flags: readonly RegexFlag[], at: SourcePosition): TextTest {
  let bits = 0;
  for (const flag of flags) bits |= FLAG_BITS[flag];
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(pattern, bits);
  } catch (error) {
    return rejectAt('SIGMA_REGEX_UNSUPPORTED', `pattern ${quote(pattern)}: ${messageOf(error)}`, at, error);
  }
  if (regex.programSize() > PROGRAM_SIZE_MAX) {
    rejectAt('SIGMA_REGEX_UNSUPPORTED', `pattern ${quote(pattern)} is too large`, at);
  }
  const lengthMin = regexLengthMin(pattern);
  return lengthMin > 1 ? (text) => text.length >= lengthMin && regex.test(text) : (text) => regex.test(text);
}
