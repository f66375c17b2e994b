declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Position of a record in one log, counted from 0 without gaps. */
export type EventSeq = Brand<number, 'EventSeq'>;
/** Name of a declared feed: a lower-case token that can stand in a NATS subject. A feed, not a device. */
export type SourceName = Brand<string, 'SourceName'>;
/** Name of a site: a lower-case token that can stand in a NATS subject. */
export type SiteName = Brand<string, 'SiteName'>;

const TOKEN = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** True for text that may be a source, site or family name: lower-case letters, digits and dashes, at most 64. */
export function isNameToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Most sources that one site, or one import session, may have. */
export const SOURCE_COUNT_MAX = 256;
