import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  INPUT_FAMILIES,
  KNOWLEDGE_FAMILIES,
  REPLAY_SUBJECT_ROOT,
  SUBJECT_ROOT,
  checkpointSubject,
  commandSubject,
  inputSubject,
  type SourceDeclaration,
} from '@protego/contracts';

/** A user of the bus with what it may publish and subscribe to. */
export interface NatsUser {
  readonly name: string;
  readonly password: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Role that writes the log and publishes results. */
export const ENGINE_USER = 'engine';
/** Role that feeds a simulated hospital. */
export const FEED_USER = 'simulation';
/** Role that receives results. */
export const SUBSCRIBER_USER = 'subscriber';
/** Role that receives results, and may mute and acknowledge detections and nothing else. */
export const DESK_USER = 'desk';
/** Role that looks after streams, reads dead letters, and gives commands to the engine. */
export const OPERATOR_USER = 'operator';
/** Role that publishes what replays find, on the subjects of replays and no others. */
export const REPLAYER_USER = 'replayer';
/** Source that a person may publish as, to try the line out. */
export const PROBE_USER = 'probe';

const DESK_COMMANDS = ['detection-mute', 'detection-acknowledge', 'detection-unmute'];
const RESULT_SUBJECTS = ['detection', 'late', 'skewed', 'rule-failed', 'rejected'];

/** Every role with its least set of subjects; passwords are made once and kept in `directory`. */
export function natsUsers(directory: string, site: string, sources: readonly SourceDeclaration[]): NatsUser[] {
  const probe = sources.filter(({ name }) => name === PROBE_USER);
  const simulated = sources.filter(({ carriesClock }) => carriesClock);
  // A subscriber may ask for every site that this bus carries, as the documentation shows it.
  const resultsOfAnySite = [...RESULT_SUBJECTS.map((kind) => `protego.v1.*.${kind}.>`), checkpointSubject('*')];
  const user = (name: string, publish: readonly string[], subscribe: readonly string[]): NatsUser => ({
    name,
    password: passwordOf(directory, name),
    publish,
    subscribe: [`_INBOX_${name}.>`, ...subscribe],
  });
  return [
    // Its answers go to who may ask. A permission to answer whoever asks would make the server keep count of each message
    // that it delivers, which costs it more than all else.
    user(
      ENGINE_USER,
      [...engineMayPublish(site), `_INBOX_${OPERATOR_USER}.>`, `_INBOX_${DESK_USER}.>`],
      [`${SUBJECT_ROOT}.${site}.cmd.>`, '$SRV.>'],
    ),
    user(
      FEED_USER,
      simulated.flatMap((source) => inputSubjectsOf(site, source)),
      [],
    ),
    user(
      PROBE_USER,
      probe.flatMap((source) => inputSubjectsOf(site, source)),
      [],
    ),
    user(SUBSCRIBER_USER, [], [...resultsOfAnySite, `${REPLAY_SUBJECT_ROOT}.*.>`]),
    user(REPLAYER_USER, [`${REPLAY_SUBJECT_ROOT}.${site}.>`], []),
    user(
      DESK_USER,
      DESK_COMMANDS.map((name) => commandSubject(site, name)),
      resultsOfAnySite,
    ),
    user(
      OPERATOR_USER,
      [
        `${SUBJECT_ROOT}.${site}.cmd.>`,
        '$JS.API.INFO',
        '$JS.API.STREAM.INFO.*',
        ...readerApi('PROTEGO_OUT'),
        ...readerApi('PROTEGO_REJECTED'),
      ],
      [...resultsOfAnySite, '_INBOX.>'],
    ),
  ];
}

function engineMayPublish(site: string): string[] {
  return [
    ...RESULT_SUBJECTS.map((kind) => `${SUBJECT_ROOT}.${site}.${kind}.>`),
    checkpointSubject(site),
    '$JS.API.INFO',
    ...streamApi('*'),
    '$JS.API.CONSUMER.*.PROTEGO_IN',
    '$JS.API.CONSUMER.*.PROTEGO_IN.>',
    '$JS.API.CONSUMER.DURABLE.CREATE.PROTEGO_IN.>',
    '$JS.API.CONSUMER.MSG.NEXT.PROTEGO_IN.>',
    '$JS.ACK.PROTEGO_IN.>',
  ];
}

function streamApi(stream: string): string[] {
  return ['INFO', 'CREATE', 'UPDATE', 'MSG.GET'].map((call) => `$JS.API.STREAM.${call}.${stream}`);
}

// Consumers of one stream only: whoever may delete the engine's consumer can make it deaf.
function readerApi(stream: string): string[] {
  return [
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.CONSUMER.*.${stream}`,
    `$JS.API.CONSUMER.*.${stream}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
    `$JS.ACK.${stream}.>`,
  ];
}

function inputSubjectsOf(
  site: string,
  { name, families, authoritativeFor, carriesClock }: SourceDeclaration,
): string[] {
  const known = [...INPUT_FAMILIES, ...KNOWLEDGE_FAMILIES] as readonly string[];
  const allowed = [...families, ...authoritativeFor].filter((family) => known.includes(family));
  return [...allowed, ...(carriesClock ? ['clock'] : [])].map((family) => inputSubject(site, family, name));
}

function passwordOf(directory: string, name: string): string {
  const path = passwordFileOf(directory, name);
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

/** File that holds a user's password, readable by its owner only. */
export function passwordFileOf(directory: string, name: string): string {
  return join(directory, `${name}.password`);
}
