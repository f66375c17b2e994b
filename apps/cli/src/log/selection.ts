import type { Command } from 'commander';
import { ProtegoError, parseRfc3339Ms } from '@protego/contracts';
import type { RecordSelection } from '@protego/event-log';
import { numberOf } from '../commands/simulate.command';

/** Options that choose records. */
export interface SelectionOptions {
  readonly from?: number;
  readonly to?: number;
  readonly fromTime?: number;
  readonly toTime?: number;
  readonly type?: readonly string[];
  readonly subject?: string;
}

/** Gives a command the options of {@link SelectionOptions}. */
export function withSelection(command: Command): Command {
  return command
    .option('--from <seq>', 'first record', numberOf('--from'))
    .option('--to <seq>', 'record after the last', numberOf('--to'))
    .option('--from-time <time>', 'least event time, RFC 3339', timeOf('--from-time'))
    .option('--to-time <time>', 'event time after the last, RFC 3339', timeOf('--to-time'))
    .option('--type <type...>', 'event types, or families such as access.*')
    .option('--subject <id>', 'device, partner, or person by identity, name or token');
}

/** The records that the options choose. */
export function selectionOf(options: SelectionOptions): RecordSelection {
  const { from, to, fromTime, toTime, type, subject } = options;
  return {
    ...(from === undefined ? {} : { fromSeq: from }),
    ...(to === undefined ? {} : { toSeq: to }),
    ...(fromTime === undefined ? {} : { fromTimeMs: fromTime }),
    ...(toTime === undefined ? {} : { toTimeMs: toTime }),
    ...(type === undefined ? {} : { types: type }),
    ...(subject === undefined ? {} : { subject }),
  };
}

/** Parser of an option that takes an RFC 3339 time; gives milliseconds since the Unix epoch. */
export function timeOf(name: string): (text: string) => number {
  return (text) => {
    const timeMs = parseRfc3339Ms(text);
    if (timeMs === undefined)
      throw new ProtegoError('USAGE_INVALID', `${name} \`${text}\` is not an RFC 3339 date-time`);
    return timeMs;
  };
}
