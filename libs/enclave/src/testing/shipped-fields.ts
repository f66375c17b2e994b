import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseFieldDeclarations, type FieldClasses } from '@protego/contracts';

let parsed: FieldClasses | undefined;

/** The field classes that Protego ships. */
export function shippedFields(): FieldClasses {
  const path = join(__dirname, '../../../../streams/declarations/fields.yaml');
  return (parsed ??= parseFieldDeclarations(readFileSync(path, 'utf8'), path));
}
