import { Command } from 'commander';
import { systemClock, type DetectionMute } from '@protego/contracts';
import {
  muteDetections,
  unmuteDetections,
  type MuteReceipt,
  type MuteRequest,
  type UnmuteRequest,
} from '@protego/event-log';
import { ageOf } from '../log/age';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from '../log/engine-client';
import { originOf, withLog, withWriter } from '../log/open-log';
import { timeOf } from '../log/selection';
import { Terminal } from '../terminal';
import { mutePartsOf, withChoice, withStreams, type ChoiceOptions } from './detection-options';

interface DecisionOptions extends EngineOptions {
  readonly reason: string;
  readonly actor?: string;
  readonly streams: string;
}

interface MuteOptions extends DecisionOptions, ChoiceOptions {
  readonly detection?: string;
  readonly for?: number;
  readonly until?: number;
}

interface UnmuteOptions extends DecisionOptions {
  readonly mute: string;
}

/** `protego detection mute`. */
export function muteCommand(): Command {
  const command = new Command('mute').description(
    'Record detections of a rule, about an entity, or of a rule about an entity, without publishing them, until a time.',
  );
  const example =
    'protego detection mute --log .protego/log --rule beaconing --entity device:pump-7 --for 8h --reason "pump on the test bench"';
  return withExpiry(command, example).action((options: MuteOptions) => mute('mute', options));
}

/** `protego detection acknowledge`. */
export function acknowledgeCommand(): Command {
  const command = new Command('acknowledge').description(
    'Say that somebody looks into a detection, or into detections of a rule or about an entity: until a time further ones are published as `updated`.',
  );
  const example =
    'protego detection acknowledge --log .protego/log --detection 5f0c… --for 4h --reason "ward 3 called, IT is there"';
  return withExpiry(command, example).action((options: MuteOptions) => mute('acknowledge', options));
}

/** `protego detection unmute`. */
export function unmuteCommand(): Command {
  const command = new Command('unmute').description('End a mute or an acknowledgement early.');
  const example = 'protego detection unmute --log .protego/log --mute muted-0b5e… --reason "back in the ward"';
  return withDecision(command, example)
    .requiredOption('--mute <id>', 'id that `mute`, `acknowledge` or `list --mutes` printed')
    .action((options: UnmuteOptions) => unmute(options));
}

function withDecision(command: Command, example: string): Command {
  return withStreams(withLog(command, example, 'never'))
    .requiredOption('--reason <text>', 'why; it stays in the log in clear and must not name anybody')
    .option('--actor <id>', 'whoever asks, by identity, name or token; stands in the log as a token')
    .option('--engine <url>', ENGINE_OPTION_HELP);
}

function withExpiry(command: Command, example: string): Command {
  return withChoice(withDecision(command, example))
    .option('--detection <id>', 'a detection: its rule, and the entity that it names first')
    .option('--for <time>', 'such as 8h or 30d, by the clock of the log', (text) => ageOf(text, '--for'))
    .option('--until <time>', 'event time from which it holds no more, RFC 3339', timeOf('--until'));
}

async function mute(kind: 'mute' | 'acknowledge', options: MuteOptions): Promise<void> {
  const { rule, entity, detection, for: forMs, until: expiresAtMs, reason, actor } = options;
  const request: MuteRequest = withoutMissing({ rule, entity, detection, forMs, expiresAtMs, reason, actor });
  const receipt = await hereOrInEngine<MuteReceipt>(
    options,
    () => withWriter(options, (log) => muteDetections(kind, request, partsOf(log, options))),
    (engine) => engine.ask(originOf(options), `detection-${kind}`, request),
  );
  const { expiresAt, rule: mutedRule, entity: about } = receipt.data as DetectionMute;
  const what = [
    mutedRule === undefined ? 'of every rule' : `of ${mutedRule}`,
    ...(about === undefined ? [] : [`about ${about.kind} ${about.id}`]),
  ].join(' ');
  new Terminal(options.json).result(receipt, [
    `detections ${what} are ${kind === 'mute' ? 'muted' : 'acknowledged'} from ${receipt.countsFrom} to ${expiresAt}, by event time`,
    `recorded at seq ${receipt.seq} as ${receipt.id}`,
  ]);
}

async function unmute(options: UnmuteOptions): Promise<void> {
  const { mute: id, reason, actor } = options;
  const request: UnmuteRequest = withoutMissing({ mute: id, reason, actor });
  const receipt = await hereOrInEngine<MuteReceipt>(
    options,
    () => withWriter(options, (log) => unmuteDetections(request, partsOf(log, options))),
    (engine) => engine.ask(originOf(options), 'detection-unmute', request),
  );
  new Terminal(options.json).result(receipt, [
    `${id} holds no more from ${receipt.countsFrom} on, by event time`,
    `recorded at seq ${receipt.seq}`,
  ]);
}

function partsOf(log: Parameters<typeof mutePartsOf>[0], { streams }: DecisionOptions): ReturnType<typeof mutePartsOf> {
  return mutePartsOf(log, streams, systemClock.wallMs());
}

/** The object without members that are undefined: a request crosses the bus as JSON. */
function withoutMissing<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
