import type { EventData } from '@protego/contracts';

/** A field of the data by its dotted path; undefined where there is none. */
export function fieldAt(data: EventData, path: string): unknown {
  let value: unknown = data;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value;
}

/** A text field; undefined where it is missing or no text. */
export function textAt(data: EventData, path: string): string | undefined {
  const value = fieldAt(data, path);
  return typeof value === 'string' ? value : undefined;
}

/** A number field; 0 where it is missing or no number. */
export function numberAt(data: EventData, path: string): number {
  const value = fieldAt(data, path);
  return typeof value === 'number' ? value : 0;
}
