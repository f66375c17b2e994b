import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { ArtefactSet } from '@protego/artefacts';
import type { EventData } from '@protego/contracts';
import { actorTokenOf, requireDecentReason } from '@protego/event-log';
import { ACTIVATED, activationData, requireWhole } from '@protego/replay';
import { compileSigma } from '@protego/streams';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from '../log/engine-client';
import { originOf, withLog, withWriter, type HeldLog } from '../log/open-log';
import { Terminal } from '../terminal';
import { CONFIG_HELP, controlOf, ledgerOf, namedSet, storeOf, withSet, type SetOptions } from './artefact-options';

interface ActivateOptions extends EngineOptions, SetOptions {
  readonly reason: string;
  readonly actor?: string;
  readonly approval?: readonly string[];
  readonly config?: string;
  readonly leaveOutBroken: boolean;
}

/** What an activation resolves with. */
interface Receipt {
  readonly seq: number;
  readonly set: string;
  readonly previous?: string;
}

/** `protego artefact activate`. */
export function activateCommand(): Command {
  const command = new Command('activate').description(
    'Store a set of rules and declarations beside the log and bring it into force: what comes after it in the log is judged by it.',
  );
  const example = 'protego artefact activate --log .protego/log --set streams --reason "rule for the new pumps"';
  return withSet(withLog(command, example, 'never'))
    .requiredOption('--reason <text>', 'why; it stays in the log in clear and must not name anybody')
    .option('--approval <file...>', 'files that `artefact approve` wrote, where the site asks for approvals')
    .option('--actor <id>', 'whoever asks, by identity, name or token; stands in the log as a token')
    .option('--leave-out-broken', 'leave out rule files that do not compile, instead of refusing the set', false)
    .option('--config <file>', CONFIG_HELP)
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .action((options: ActivateOptions) => activate(options));
}

async function activate(options: ActivateOptions): Promise<void> {
  const { reason, actor, leaveOutBroken } = options;
  const artefacts = namedSet(options);
  if (!leaveOutBroken) requireWhole(compileSigma(artefacts.rules, artefacts));
  const approvals = (options.approval ?? []).map((path) => readFileSync(path, 'utf8'));
  // Before the log says so: what is in force must be there.
  const set = storeOf(options).put(artefacts);
  const receipt = await hereOrInEngine<Receipt>(
    options,
    () => withWriter(options, (log) => activateHere(log, artefacts, approvals, options)),
    (engine) => {
      const by = actor === undefined ? {} : { actor };
      const input = { set, reason, approvals, leavesOutBroken: leaveOutBroken, ...by };
      return engine.ask(originOf(options), 'artefact-activate', input);
    },
  );
  new Terminal(options.json).result(receipt, [
    `set ${set} is in force from seq ${receipt.seq} on`,
    receipt.previous === undefined ? 'no set was in force before' : `it follows set ${receipt.previous}`,
  ]);
}

async function activateHere(
  { reader, house, authority }: HeldLog,
  { set, hashes }: ArtefactSet,
  approvals: readonly string[],
  options: ActivateOptions,
): Promise<Receipt> {
  const { reason, actor } = options;
  requireDecentReason(reason, [actor]);
  const by = actor === undefined ? {} : { actor: await actorTokenOf(actor, house.vault) };
  const ledger = ledgerOf(reader);
  const ground = { origin: reader.origin, ledger, control: controlOf(options, ledger) };
  const data = activationData({ set, hashes, reason, approvals, via: 'offline', ...by }, ground);
  const seq = await authority.append(ACTIVATED, `activated-${randomUUID()}`, { ...data } as EventData);
  return { seq, set, ...(data.previous === undefined ? {} : { previous: data.previous }) };
}
