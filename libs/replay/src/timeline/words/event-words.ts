import type { Detection, EventData } from '@protego/contracts';
import { ACCESS_WORDS } from './access-words';
import { DEVICE_WORDS } from './device-words';
import { ENGINE_WORDS } from './engine-words';
import { EXCHANGE_WORDS } from './exchange-words';
import { Fields, type EventWording, type Wordings } from './fields';
import { KNOWLEDGE_WORDS } from './knowledge-words';
import { NATIVE_WORDS } from './native-words';

const WORDINGS: Wordings = {
  ...DEVICE_WORDS,
  ...NATIVE_WORDS,
  ...ACCESS_WORDS,
  ...EXCHANGE_WORDS,
  ...KNOWLEDGE_WORDS,
  ...ENGINE_WORDS,
};

/** What is told of an event. */
export interface EventTold {
  /** What happened, as a clause. */
  readonly words: string;
  /** Whether a reader should not miss it. */
  readonly isNotable: boolean;
  /** The same for events that can be told as one. */
  readonly alike: string;
}

/** Whether events of a type have words of their own. */
export function hasWords(type: string): boolean {
  return Object.hasOwn(WORDINGS, type);
}

/** What is told of an event as it is stored; of a type without words of its own, its name. */
export function tellEvent(type: string, data: EventData): EventTold {
  const wording = wordingOf(type);
  const fields = new Fields(data);
  const words = wording.one(fields).replaceAll(/ ([:;,])/g, '$1');
  const alike = wording.alike?.(fields);
  return {
    words,
    isNotable: wording.isNotable?.(fields) ?? false,
    alike: alike === undefined ? type : `${type}\n${alike}`,
  };
}

/** What a detection says. */
export function tellDetection({ severity, title, why }: Pick<Detection, 'severity' | 'title' | 'why'>): string {
  return `${severity}: ${title}. ${why}`;
}

/**
 * So many events of a kind: `34 telemetry reports (standby)`.
 *
 * @param alike - as {@link tellEvent} gave it
 */
export function manyText(count: number, alike: string): string {
  const [type = '', more] = alike.split('\n');
  const [one, several] = wordingOf(type).many;
  return `${count} ${count === 1 ? one : several}${more === undefined ? '' : ` (${more})`}`;
}

/** What several events of a type are called. */
export function typeText(type: string): string {
  return wordingOf(type).many[1];
}

function wordingOf(type: string): EventWording {
  const known = Object.hasOwn(WORDINGS, type) ? WORDINGS[type] : undefined;
  if (known !== undefined) return known;
  const name = type.replaceAll(/[.-]/g, ' ');
  return { one: () => name, many: [`event of type ${type}`, `events of type ${type}`] };
}
