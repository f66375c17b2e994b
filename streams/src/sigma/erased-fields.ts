import { fieldAccess, fieldValue, type FieldAccess, type SigmaRecord } from './record';

/** Begins what stands for an erased text. */
const TEXT_PLACEHOLDER = '~t.';

/** Answers whether the value that a rule would read under a name is erased; null asks about any value, as keywords do. */
export type IsErased = (field: string | null) => boolean;

/**
 * Which field names lead to erased values.
 *
 * @param pointers - JSON pointers (RFC 6901) from the event's top, such as `/data/user/name` or `/subject`
 */
export function erasedFieldsOf(pointers: readonly string[]): IsErased {
  const paths = pointers.map(pathOf);
  const isAnyData = paths.some(([top]) => top === 'data');
  const answers = new Map<string, boolean>();
  return (field) => {
    if (field === null) return isAnyData;
    let answer = answers.get(field);
    if (answer === undefined) {
      const ways = waysOf(fieldAccess(field));
      answer = ways.some((way) => paths.some((path) => isAt(path, way)));
      answers.set(field, answer);
    }
    return answer;
  };
}

/**
 * Of which fields nobody can say any more what they held. A pseudonym groups and counts as well as the value did; the
 * placeholder of an erased text says nothing.
 *
 * @param pointers - JSON pointers (RFC 6901) of what was erased in the event that the record shows
 */
export function lostFieldsOf(pointers: readonly string[] | undefined, record: SigmaRecord): (field: string) => boolean {
  if (pointers === undefined || pointers.length === 0) return nothingIsLost;
  const isErased = erasedFieldsOf(pointers);
  return (field) => {
    const value = fieldValue(record, field);
    return typeof value === 'string' && value.startsWith(TEXT_PLACEHOLDER) && isErased(field);
  };
}

const nothingIsLost = (): boolean => false;

// Members of a list are read by the path of the list: numbers are no steps.
function pathOf(pointer: string): string[] {
  const steps = pointer.split('/').slice(1);
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')).filter((step) => !/^\d+$/.test(step));
}

/** All paths under which a field may stand. */
function waysOf({ field, steps, aliases, attribute }: FieldAccess): string[][] {
  const names = [field, ...aliases.map((alias) => alias.field)];
  return [
    ...names.map((name) => ['data', name]),
    ...(steps === undefined ? [] : [['data', ...steps]]),
    ...(attribute === undefined ? [] : [[attribute]]),
  ];
}

// An object that was erased as a whole takes the fields within it along.
function isAt(erased: readonly string[], way: readonly string[]): boolean {
  return erased.length > 0 && erased.length <= way.length && erased.every((step, index) => step === way[index]);
}
