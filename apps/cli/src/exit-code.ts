import { CommanderError } from 'commander';
import { isProtegoError } from '@protego/contracts';

/** Done, whatever was found. */
export const EXIT_DONE = 0;
/** A check or gate failed. */
export const EXIT_CHECK_FAILED = 1;
/** Usage or input error. */
export const EXIT_USAGE = 2;
/** Internal error. */
export const EXIT_INTERNAL = 3;

/** Exit code for what a command threw. */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT_DONE : EXIT_USAGE;
  if (!isProtegoError(thrown)) return isMissingFile(thrown) ? EXIT_USAGE : EXIT_INTERNAL;
  return thrown.origin === 'internal' ? EXIT_INTERNAL : EXIT_USAGE;
}

/** True for a file that the user named and that cannot be read. */
export function isMissingFile(thrown: unknown): boolean {
  const code = (thrown as NodeJS.ErrnoException | null)?.code;
  return code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR' || code === 'ENOTDIR';
}
