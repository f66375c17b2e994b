import { ProtegoError } from '@protego/contracts';

// A time that is none is neither before nor after any other: what is compared with it waits for ever, or is never done.

/**
 * Checks the time of an event, which is whole milliseconds.
 * @throws ProtegoError `STREAM_TIME_INVALID` for what is no safe integer.
 */
export function checkTime(timeMs: number): void {
  if (!Number.isSafeInteger(timeMs)) throw timeInvalid('an event', timeMs);
}

/**
 * Checks a watermark, which may be infinite.
 * @throws ProtegoError `STREAM_TIME_INVALID` for what is no number.
 */
export function checkWatermark(watermarkMs: number): void {
  if (Number.isNaN(watermarkMs)) throw timeInvalid('a watermark', watermarkMs);
}

function timeInvalid(what: string, timeMs: number): ProtegoError {
  return new ProtegoError('STREAM_TIME_INVALID', `${what} has the time ${timeMs}`, { timeMs: String(timeMs) });
}
