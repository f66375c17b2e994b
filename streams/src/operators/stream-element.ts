/** How an event's time stands to the stream: on time, after its watermark, or ahead of pipeline time. */
export type Timing = 'on-time' | 'late' | 'skewed';

/** JSON value: what every state store turns into and comes back from. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * What flows between event-time operators: events, and in between watermarks. A watermark of W says that no on-time
 * event with a time before W will follow.
 */
export type StreamElement<T> =
  | { readonly kind: 'event'; readonly event: T; readonly timeMs: number; readonly timing: Timing }
  | { readonly kind: 'watermark'; readonly watermarkMs: number };

/** Operator state that can be written to JSON and read back, so that a snapshot continues as if never stopped. */
export interface StateStore {
  snapshot(): Json;
  restore(state: Json): void;
}
