import { CommanderError } from 'commander';
import { ProtegoError, isProtegoError, messageOf } from '@protego/contracts';

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
  return knownError(thrown).origin === 'internal' ? EXIT_INTERNAL : EXIT_USAGE;
}

/** What a command threw, with its code: `FILE_UNREADABLE` for a path that leads nowhere, `INTERNAL` for what nobody expected. */
export function knownError(thrown: unknown): ProtegoError {
  if (isProtegoError(thrown)) return thrown;
  return new ProtegoError(isPathProblem(thrown) ? 'FILE_UNREADABLE' : 'INTERNAL', messageOf(thrown));
}

const PATH_PROBLEMS = new Set(['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

function isPathProblem(thrown: unknown): boolean {
  const { code, path } = (thrown ?? {}) as NodeJS.ErrnoException;
  return code !== undefined && path !== undefined && PATH_PROBLEMS.has(code);
}
