import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { ProtegoError, systemClock } from '@protego/contracts';
import { siteOfOrigin } from '@protego/event-log';
import { Pace, type PacePorts, type RunManifest } from '@protego/replay';
import { numberOf } from '../commands/simulate.command';
import { ReplayPublisher } from './replay-publisher';
import type { RunSettings } from './run-session';

/** Options of a run that is shown to others while it goes on. */
export interface PacedOptions {
  readonly publish?: string;
  readonly runName: string;
  readonly speed?: number;
}

/** Records of a batch where a run keeps pace: what is found is told soon after its time. */
const PACED_BATCH_RECORDS = 16;

const CLOCK: PacePorts = { nowMs: () => systemClock.monotonicMs(), wait: (ms) => delay(ms) };

/** Gives a command the options of {@link PacedOptions}. */
export function withPace(command: Command): Command {
  return command
    .option(
      '--publish <url>',
      'publish what is found on protego-replay.v1.<site>.<run>.>: NATS URL, or the file that holds it',
    )
    .option('--run-name <name>', 'name of the run in these subjects', 'replay')
    .option(
      '--speed <factor>',
      'keep pace with what is replayed: 1 as it was, 60 a minute in a second (default: as fast as it goes)',
      numberOf('--speed'),
    );
}

/**
 * Lends `run` what keeps pace and publishes, as the options say.
 *
 * @param origin - of the log
 * @throws ProtegoError `USAGE_INVALID` for a speed that is not above 0; `NATS_UNAVAILABLE`
 */
export async function withPublication<T extends { readonly manifest: RunManifest }>(
  { publish, runName, speed }: PacedOptions,
  origin: string,
  run: (shown: Pick<RunSettings, 'ports' | 'pace'>) => Promise<T>,
): Promise<T> {
  if (speed !== undefined && speed <= 0) throw new ProtegoError('USAGE_INVALID', '--speed takes a number above 0');
  const publisher =
    publish === undefined ? undefined : await ReplayPublisher.connect(publish, siteOfOrigin(origin), runName);
  try {
    const finished = await run({
      pace: speed === undefined ? undefined : new Pace(speed, CLOCK),
      ports: {
        ...(speed === undefined ? {} : { batchRecords: PACED_BATCH_RECORDS }),
        ...(publisher === undefined ? {} : { found: (lines) => publisher.detections(lines) }),
      },
    });
    await publisher?.ended(finished.manifest);
    return finished;
  } finally {
    await publisher?.close();
  }
}
