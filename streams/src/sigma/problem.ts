import { ProtegoError, isProtegoError, type ErrorCode } from '@protego/contracts';

/** Where something stands in a file; line and column count from 1. */
export interface SourcePosition {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** Something that is wrong, or merely odd, in a file of rules. */
export interface SigmaProblem {
  readonly path: string;
  /** An error code; for a warning the code that the matter would have if it were an error. */
  readonly code: ErrorCode;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** Longest piece of a rule that a message repeats, characters. */
const QUOTE_LENGTH_MAX = 80;

/** Text of a rule in backticks, cut to a bearable length. */
export function quote(text: string): string {
  return `\`${text.length > QUOTE_LENGTH_MAX ? `${text.slice(0, QUOTE_LENGTH_MAX)}…` : text}\``;
}

/**
 * Refuses what stands at a position.
 *
 * @throws ProtegoError with the given code and details `{path, line, column}`
 */
export function rejectAt(code: ErrorCode, message: string, at: SourcePosition, cause?: unknown): never {
  throw new ProtegoError(code, message, { ...at }, cause === undefined ? undefined : { cause });
}

/** A problem that does not stop a rule from working. */
export function warningAt(code: ErrorCode, message: string, at: SourcePosition): SigmaProblem {
  return { path: at.path, code, message, line: at.line, column: at.column };
}

/** What was thrown while reading `path`, as a problem. */
function problemOf(error: ProtegoError, path: string): SigmaProblem {
  const { line, column } = error.details;
  const problem = { path, code: error.code, message: error.message };
  return typeof line === 'number' && typeof column === 'number' ? { ...problem, line, column } : problem;
}

/** What is read, or undefined where that is refused; the reason then joins the problems. */
export function attempt<Result>(path: string, problems: SigmaProblem[], read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    problems.push(problemOf(error, path));
    return undefined;
  }
}

/** What is read; undefined where it is refused. */
export function unlessRefused<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    return undefined;
  }
}
