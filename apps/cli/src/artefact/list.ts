import { Command } from 'commander';
import type { StoredSetState } from '@protego/artefacts';
import { ProtegoError, formatRfc3339 } from '@protego/contracts';
import {
  checkSignatures,
  isApproved,
  type Activation,
  type CheckedSignature,
  type DualControl,
  type ForceLedger,
} from '@protego/replay';
import { numberOf } from '../commands/simulate.command';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { withLog, withReader, type LogOptions } from '../log/open-log';
import { timeOf } from '../log/selection';
import { Terminal } from '../terminal';
import { CONFIG_HELP, controlOf, ledgerOf, storeOf } from './artefact-options';

interface ListOptions extends LogOptions {
  readonly at?: number;
  readonly atSeq?: number;
  readonly verify: boolean;
  readonly config?: string;
}

/** An activation as it is listed. */
interface Listed extends Omit<Activation, 'arrivedAtMs' | 'signatures'> {
  /** Pipeline time, RFC 3339. */
  readonly arrivedAt: string;
  readonly stored: StoredSetState;
  readonly retiredAt?: number;
  /** With `--verify`: whether each signature holds, and whether enough approvers that are declared have signed. */
  readonly signatures: readonly (CheckedSignature | { readonly name: string })[];
  readonly isApproved?: boolean;
}

/** `protego artefact list`. */
export function listCommand(): Command {
  const command = new Command('list').description(
    'List which set of rules and declarations came into force when, why and by whose approval; it only reads.',
  );
  const example = 'protego artefact list --log .protego/log --at 2026-03-02T12:00:00Z';
  return withLog(command, example, 'a signature does not hold, or one that is asked for is missing (--verify)')
    .option('--at <time>', 'only the set that judged what arrived at this pipeline time, RFC 3339', timeOf('--at'))
    .option('--at-seq <seq>', 'only the set that judges the record at this seq', numberOf('--at-seq'))
    .option('--verify', 'check the signatures of approvers', false)
    .option('--config <file>', CONFIG_HELP)
    .action((options: ListOptions) =>
      withReader(options, ({ reader }) => list(options, reader.origin, ledgerOf(reader))),
    );
}

function list(options: ListOptions, origin: string, ledger: ForceLedger): void {
  const terminal = new Terminal(options.json);
  const asked = askedFor(options, ledger);
  if (asked !== undefined) return showOne(terminal, options, asked, ledger);
  const control = options.verify ? controlOf(options, ledger) : undefined;
  const states = new Map<string, StoredSetState>();
  for (const set of new Set(ledger.activations.map((activation) => activation.set)))
    states.set(set, storeOf(options).stateOf(set));
  const activations = ledger.activations.map((activation) => listed(activation, states, ledger, origin, control));
  const retirements = ledger.retirements.map(({ arrivedAtMs, ...rest }) => ({
    ...rest,
    arrivedAt: formatRfc3339(arrivedAtMs),
  }));
  terminal.result({ origin, phases: phasesOf(ledger), activations, retirements }, [
    ...(activations.length === 0 ? ['no set was ever activated in this log'] : activations.flatMap(linesOf)),
    ...retirements.map(({ seq, set, reason, time }) => `seq ${seq}  ${time}  retired ${set}; ${reason}`),
  ]);
  if (activations.some(({ isApproved }) => isApproved === false)) process.exitCode = EXIT_CHECK_FAILED;
}

function askedFor({ at, atSeq }: ListOptions, ledger: ForceLedger): { readonly set: string | undefined } | undefined {
  if (at !== undefined && atSeq !== undefined) throw new ProtegoError('USAGE_INVALID', 'give either --at or --at-seq');
  if (atSeq !== undefined) return { set: ledger.inForceAt(atSeq) };
  return at === undefined ? undefined : { set: ledger.inForceAtTime(at) };
}

function showOne(
  terminal: Terminal,
  options: ListOptions,
  { set }: { readonly set: string | undefined },
  ledger: ForceLedger,
): void {
  const stored = set === undefined ? 'missing' : storeOf(options).stateOf(set);
  const hashes = ledger.activations.find((activation) => activation.set === set)?.hashes;
  terminal.result({ set: set ?? null, stored, ...(hashes === undefined ? {} : { hashes }) }, [
    set === undefined ? 'no set was in force' : `${set}  ${stored}`,
  ]);
}

function phasesOf(ledger: ForceLedger): { fromSeq: number; toSeq: number | null; set: string | undefined }[] {
  return ledger.phases().map(({ toSeq, ...rest }) => ({ ...rest, toSeq: Number.isFinite(toSeq) ? toSeq : null }));
}

function listed(
  { arrivedAtMs, signatures, ...rest }: Activation,
  states: ReadonlyMap<string, StoredSetState>,
  ledger: ForceLedger,
  origin: string,
  control: DualControl | undefined,
): Listed {
  const checked = control && checkSignatures(origin, { arrivedAtMs, signatures, ...rest }, control);
  const retiredAt = ledger.retirementOf(rest.set)?.seq;
  return {
    ...rest,
    arrivedAt: formatRfc3339(arrivedAtMs),
    stored: states.get(rest.set) ?? 'missing',
    signatures: checked ?? signatures.map(({ name }) => ({ name })),
    ...(retiredAt === undefined ? {} : { retiredAt }),
    ...(checked && control ? { isApproved: isApproved(rest.seq, checked, control, ledger) } : {}),
  };
}

function linesOf(line: Listed): string[] {
  const { seq, set, time, via, reason, stored, retiredAt, signatures, isApproved: approved } = line;
  const names = signatures.map((signature) =>
    'isValid' in signature
      ? `${signature.name} (${signature.isValid ? 'valid' : 'INVALID'}${signature.isDeclared ? '' : ', not declared'})`
      : signature.name,
  );
  return [
    `seq ${seq}  ${time}  ${set}`,
    `    by ${via}; ${stored}${retiredAt === undefined ? '' : `; retired at seq ${retiredAt}`}; ${reason ?? 'no reason stated'}`,
    ...(names.length > 0 ? [`    approved by ${names.join(', ')}`] : []),
    ...(approved === false ? ['    NOT APPROVED as the site asks'] : []),
  ];
}
