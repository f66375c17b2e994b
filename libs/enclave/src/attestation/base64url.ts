/**
 * Bytes of a text in base64url without padding (RFC 4648, section 5; RFC 7515, section 2); undefined for any other
 * spelling, so that there is one text for the same bytes.
 */
export function bytesOfBase64url(text: unknown): Buffer | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
