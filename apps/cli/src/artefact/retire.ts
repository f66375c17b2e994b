import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { actorTokenOf, requireDecentReason } from '@protego/event-log';
import { RETIRED, retirementData } from '@protego/replay';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from '../log/engine-client';
import { originOf, withLog, withWriter, type HeldLog } from '../log/open-log';
import { Terminal } from '../terminal';
import { ledgerOf, namedSet, withSet, type SetOptions } from './artefact-options';

interface RetireOptions extends EngineOptions, SetOptions {
  readonly reason: string;
  readonly actor?: string;
}

/** `protego artefact retire`. */
export function retireCommand(): Command {
  const command = new Command('retire').description(
    'Bar a set that is not in force from coming into force again without approvals that were signed after this.',
  );
  const example = 'protego artefact retire --log .protego/log --set 5f0c6a2d --reason "misses the new pumps"';
  return withSet(withLog(command, example, 'never'))
    .requiredOption('--reason <text>', 'why; it stays in the log in clear and must not name anybody')
    .option('--actor <id>', 'whoever asks, by identity, name or token; stands in the log as a token')
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .action((options: RetireOptions) => retire(options));
}

async function retire(options: RetireOptions): Promise<void> {
  const { reason, actor } = options;
  const { set } = namedSet(options);
  const receipt = await hereOrInEngine(
    options,
    () => withWriter(options, (log) => retireHere(log, set, options)),
    (engine) => {
      const input = { set, reason, ...(actor === undefined ? {} : { actor }) };
      return engine.ask<{ seq: number; set: string }>(originOf(options), 'artefact-retire', input);
    },
  );
  new Terminal(options.json).result(receipt, [`set ${set} was retired at seq ${receipt.seq}`]);
}

async function retireHere(
  { reader, house, authority }: HeldLog,
  set: string,
  { reason, actor }: RetireOptions,
): Promise<{ seq: number; set: string }> {
  requireDecentReason(reason, [actor]);
  const by = actor === undefined ? {} : { actor: await actorTokenOf(actor, house.vault) };
  const data = retirementData({ set, reason, ...by }, ledgerOf(reader));
  return { seq: await authority.append(RETIRED, `retired-${randomUUID()}`, { ...data }), set };
}
