import { ProtegoError, isProtegoError } from '@protego/contracts';

/** An error of a thread as it was thrown there: it comes with its members but without its class. */
export function asThrown(error: Error): Error {
  if (error instanceof ProtegoError || !isProtegoError(error)) return error;
  const { code, message, details } = error as ProtegoError;
  return new ProtegoError(code, message, details);
}
