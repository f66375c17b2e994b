import { CLOCK_FAMILY, INPUT_FAMILIES, KNOWLEDGE_FAMILIES, ProtegoError, familyOf } from '@protego/contracts';
import { requireEventSize, type FormatContext, type RecordFormat } from './record-format';
import { isRecord, parseJson } from './record-json';

const ACCEPTED_FAMILIES: ReadonlySet<string> = new Set([...INPUT_FAMILIES, ...KNOWLEDGE_FAMILIES, CLOCK_FAMILY]);

/**
 * One CloudEvents 1.0 JSON object a line. What the engine alone may write (`detection.raised` …) is refused, so that a
 * file cannot forge it. Numbers are not mended: a producer of events knows the contract, so an unsafe one is rejected.
 */
export function cloudeventsFormat({ options }: FormatContext): RecordFormat {
  return ({ text }) => {
    const value = parseJson(text);
    if (isRecord(value)) requireAcceptedType(value['type']);
    const checked = options.validator.check(value);
    requireEventSize(checked.event);
    return checked;
  };
}

function requireAcceptedType(type: unknown): void {
  if (typeof type !== 'string' || ACCEPTED_FAMILIES.has(familyOf(type))) return;
  const named = type.slice(0, 128).toWellFormed();
  throw new ProtegoError('EVENT_TYPE_NOT_ACCEPTED', `events of type \`${named}\` cannot be imported`, { type: named });
}
