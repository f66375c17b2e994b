/** The object that JSON text holds; an empty one for other values and for what is no JSON: no MAC in it is valid either. */
export function jsonObjectOf(text: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Whoever reads it refuses it for its missing MAC.
    return {};
  }
}
