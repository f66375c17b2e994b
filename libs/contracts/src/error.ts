import { ERROR_CODES, type ErrorCode, type ErrorOrigin, type RetryAdvice } from './error-codes';

/** Structured facts about a failure: JSON values only, never secrets. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * The one error class of the house. `code` is stable and listed in `docs/reference/errors.md`; the message is lower
 * case, has no final period and quotes user input in backticks; advice on mending it is in `help`.
 */
export class ProtegoError extends Error {
  override readonly name = 'ProtegoError';
  /** Who can mend it: the caller, the environment, or Protego itself. */
  readonly origin: ErrorOrigin;
  /** Whether the same call may succeed later without a change. */
  readonly retry: RetryAdvice;
  /** What to do about it, in one sentence. */
  readonly help: string;

  constructor(
    /** Stable code, such as `LOG_CHAIN_BROKEN`. */
    readonly code: ErrorCode,
    message: string,
    /** Where it happened: field, line, path, seq. */
    readonly details: ErrorDetails = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    const entry = ERROR_CODES[code];
    this.origin = entry.origin;
    this.retry = entry.retry;
    this.help = entry.help;
  }

  /** The shape that crosses a process border: HTTP bodies, NATS replies, reject lines. */
  toJSON(): { code: ErrorCode; message: string; help: string; details: ErrorDetails } {
    return { code: this.code, message: this.message, help: this.help, details: this.details };
  }
}

/** True for a {@link ProtegoError}, also one from another copy of this module. */
export function isProtegoError(value: unknown): value is ProtegoError {
  return value instanceof Error && value.name === 'ProtegoError' && 'code' in value;
}

/** Text of anything thrown, for a message that must not itself throw. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
