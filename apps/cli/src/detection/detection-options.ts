import type { Command } from 'commander';
import { loadSourceDeclarations } from '@protego/artefacts';
import { CLOCK_FAMILY, INPUT_FAMILIES, KNOWLEDGE_FAMILIES, ProtegoError, type MutedEntity } from '@protego/contracts';
import type { EventLogReader, MuteParts } from '@protego/event-log';
import { shippedStreamsDir } from '../installation';
import type { HeldLog } from '../log/open-log';

/** Pipeline time and wall clock of a record that differ by no more: the log goes by the wall clock. */
const CLOCKS_DIFFER_MS_MAX = 60_000;
const INPUT_TYPES = [...INPUT_FAMILIES, ...KNOWLEDGE_FAMILIES, CLOCK_FAMILY].map((family) => `${family}.*`);

/** Options with which detections are chosen. */
export interface ChoiceOptions {
  readonly rule?: string;
  readonly entity?: MutedEntity;
}

/** Gives a command the options of {@link ChoiceOptions}. */
export function withChoice(command: Command): Command {
  return command
    .option('--rule <id>', 'id of a rule or detector')
    .option('--entity <kind:id>', 'such as device:pump-7, or a person by identity, name or token', entityOf);
}

/** Where the declarations are that say how far ahead of its clock an event may be. */
export function withStreams(command: Command): Command {
  const help = 'directory with declarations/, for when no engine holds the log';
  return command.option('--streams <dir>', help, shippedStreamsDir());
}

/**
 * Reads an entity.
 *
 * @throws ProtegoError `USAGE_INVALID`
 */
export function entityOf(text: string): MutedEntity {
  const at = text.indexOf(':');
  if (at > 0 && at < text.length - 1) return { kind: text.slice(0, at), id: text.slice(at + 1) };
  throw new ProtegoError('USAGE_INVALID', `--entity \`${text}\` is not of the form kind:id, such as device:pump-7`);
}

/** What a mute is made with while no engine holds the log. */
export function mutePartsOf({ reader, house, authority }: HeldLog, streamsDir: string, wallMs: number): MuteParts {
  const { skewMaxMs } = loadSourceDeclarations(streamsDir);
  const now = (): number => pipelineTimeOf(reader, wallMs);
  return { reader, vault: house.vault, authority, now, skewMaxMs };
}

/**
 * Pipeline time of a log that nobody writes, milliseconds: the wall clock's, or where the feed carries the clock, the time at
 * which it stands.
 */
export function pipelineTimeOf(reader: Pick<EventLogReader, 'query'>, wallMs: number): number {
  for (const { arrivedAtMs, recordedAtMs } of reader.query({ types: INPUT_TYPES, direction: 'backwards' })) {
    const isOnWallClock = Math.abs(arrivedAtMs - recordedAtMs) <= CLOCKS_DIFFER_MS_MAX;
    return isOnWallClock ? Math.max(wallMs, arrivedAtMs) : arrivedAtMs;
  }
  return wallMs;
}
