import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARTEFACT_STORE_FOLDER, ArtefactStore, loadArtefactSet } from '@protego/artefacts';
import { commandSubject, messageOf, type ProtegoEvent } from '@protego/contracts';
import { decidingText } from '@protego/streams';
import { EngineHouse, PROTEGO, ROOT, SITE, until } from './engine-house';
import {
  detectionLines,
  done,
  feed,
  historyEvents,
  logged,
  published,
  replayLines,
  run,
  type Ended,
} from './fed-history';
import { SAMPLE_RULE_FILES, bytesOf, unsignedFirmware } from './sample-events';
import { seededRandom } from './load';

jest.setTimeout(500_000);

const SEED = Number(process.env['PROTEGO_SWITCH_SEED'] ?? Date.now() % 1_000_000);
/** What the engine says when it begins to warm a set, and when that is in force. */
const [WARMING, SWITCHED] = ['is being warmed', 'is in force from'];
/** At most so long after what it said the engine dies. */
const DEATHS: readonly [number, string][] = [
  [500, WARMING],
  [2_000, WARMING],
  [0, SWITCHED],
];

interface Listing {
  readonly phases: readonly { readonly fromSeq: number; readonly toSeq: number | null; readonly set: string }[];
  readonly activations: readonly {
    readonly seq: number;
    readonly set: string;
    readonly via: string;
    readonly isApproved?: boolean;
  }[];
}

/** Options with which the command line finds a log and its engine. */
function inLog(house: EngineHouse): string[] {
  const { password } = house.user('operator');
  const { host } = new URL(house.natsUrl);
  return ['--log', house.logDir, '--engine', `nats://operator:${encodeURIComponent(password)}@${host}`];
}
const listOf = (house: EngineHouse, ...args: string[]): Listing =>
  JSON.parse(done('artefact', 'list', '--log', house.logDir, '--json', ...args)) as Listing;

/** Begins to activate a set; resolves when the command has ended. */
async function activate(house: EngineHouse, set: string, ...args: string[]): Promise<Ended> {
  const command = ['artefact', 'activate', ...inLog(house), '--set', set, '--reason', 'drill', '--json', ...args];
  const child = spawn(process.execPath, [PROTEGO, ...command], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

/** A copy of the streams of a house in which every rule says which set it is of, so that no detection is the same. */
function changedStreams(house: EngineHouse, mark: string): string {
  const directory = join(house.root, `streams-${mark}`);
  cpSync(house.streamsDir, directory, { recursive: true });
  for (const name of readdirSync(join(directory, 'rules')).filter((each) => each.endsWith('.yml'))) {
    const path = join(directory, 'rules', name);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^title: (.*)$/gm, `title: ${mark} $1`));
  }
  return directory;
}

/** Stores a set as the command line does before it asks; its name. */
function stored(house: EngineHouse, streamsDir: string): string {
  const places = { rulesPath: join(streamsDir, 'rules'), streamsDir, decidingText };
  return new ArtefactStore(join(house.logDir, ARTEFACT_STORE_FOLDER), decidingText).put(loadArtefactSet(places));
}

/** Has the engine activate a stored set, without the time that the command line takes to start; why there was no answer when it dies. */
async function tell(house: EngineHouse, set: string): Promise<object | string> {
  const connection = await house.connect('operator');
  try {
    const input = JSON.stringify({ set, reason: 'drill' });
    const reply = await connection.request(commandSubject(SITE, 'artefact-activate'), input, {
      timeout: WARMED_MS_MAX,
    });
    return reply.json<object>();
  } catch (error) {
    return messageOf(error);
  } finally {
    await connection.close();
  }
}

/** Waits until the engine says a word after what it had said; fails with its answer when that comes without the word. */
async function heard(house: EngineHouse, said: number, word: string, telling: Promise<object | string>): Promise<void> {
  let answer: object | string | undefined;
  void telling.then((told) => (answer = told));
  const isHeard = (): boolean => {
    const answered = answer;
    if (remarksOf(house).slice(said).includes(word)) return true;
    if (answered === undefined) return false;
    throw new Error(`never said "${word}" but ${JSON.stringify(answered)}: ${remarksOf(house).slice(said)}`);
  };
  await until(isHeard, word, WARMED_MS_MAX).catch((error: unknown) => {
    throw new Error(`${messageOf(error)}: ${remarksOf(house).slice(said)}`);
  });
}

/** A loaded machine takes its time to warm a set. */
const WARMED_MS_MAX = 120_000;
const remarksOf = ({ root }: EngineHouse): string => readFileSync(join(root, 'engine.err'), 'utf8');
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const repeated = (lines: readonly string[]): string[] => lines.filter((line, i) => lines.indexOf(line) !== i);

describe(`an engine whose rules are changed while events come (PROTEGO_SWITCH_SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  let house: EngineHouse;
  let streams: Record<string, string>;
  let events: ProtegoEvent[];

  const feedSome = (count: number): Promise<void> => feed(house, events.splice(0, count));
  const expectReplayed = async (name: string): Promise<string[]> => {
    await house.drained(120_000);
    const lines = detectionLines(await logged(house));
    expect(replayLines(house, name, '--artefacts', 'in-force')).toEqual(lines);
    expect(repeated(lines)).toEqual([]);
    expect(detectionLines(await published(house))).toEqual(lines);
    return lines;
  };

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'feed' });
    streams = { old: house.streamsDir, new: changedStreams(house, 'Anew') };
    events = historyEvents('general').slice(0, 6_000);
  });

  afterAll(() => house.close());

  it('switches at one record, in the middle of the events', async () => {
    await feedSome(1_000);
    const activating = tell(house, stored(house, streams['new'] as string));
    while ((await Promise.race([activating, feedSome(40)])) === undefined) await pause(150);
    const receipt = (await activating) as { seq: number; set: string; previous: string };
    expect(events.length).toBeGreaterThan(0);
    const { seq, set, previous } = receipt;
    await feedSome(1_000);
    const lines = await expectReplayed('switched');
    const anew = lines.filter((line) => line.includes('"title":"Anew '));
    expect([anew.length > 0, lines.length > anew.length]).toEqual([true, true]);
    expect(listOf(house).phases).toEqual([
      { fromSeq: 0, toSeq: seq + 1, set: previous },
      { fromSeq: seq + 1, toSeq: null, set },
    ]);
  });

  it('keeps to what a command activated when it starts again, although its directory holds another set', async () => {
    await house.stopEngine();
    await house.startEngine();
    expect(listOf(house).activations).toHaveLength(2);
    expect(house.engineRemarks()).toContain('has not changed since a command activated another one');
  });

  it('goes back to the set of its directory at a command after a start', async () => {
    const [first] = listOf(house).activations;
    expect(await tell(house, first?.set as string)).toMatchObject({ set: first?.set });
    await feedSome(100);
    await expectReplayed('back');
  });

  it.each(DEATHS)('finds what a replay finds when it dies %i ms after it said `%s`', async (afterMs, word) => {
    const { activations: before } = listOf(house);
    const sets = ['old', 'new'].map((name) => stored(house, streams[name] as string));
    const next = sets.find((set) => set !== before.at(-1)?.set) as string;
    const said = remarksOf(house).length;
    const telling = tell(house, next);
    const feeding = feedSome(300);
    await heard(house, said, word, telling);
    await pause(afterMs * random());
    await house.killEngine();
    await feeding;
    await house.startEngine();
    await feedSome(300);
    await house.drained(120_000);
    const activations = listOf(house).activations.slice(before.length);
    console.log(
      JSON.stringify({
        spec: 'artefact-switch',
        afterMs,
        word,
        activations: activations.length,
        answered: typeof (await Promise.race([telling, pause(1_000)])) === 'object',
      }),
    );
    expect(activations.map(({ set }) => set)).toEqual(activations.length === 0 ? [] : [next]);
    if (word === SWITCHED) expect(activations).toHaveLength(1);
    if (word === SWITCHED) await expectReplayed('killed');
  });

  it('retires what is not in force, for good', () => {
    const { activations } = listOf(house);
    const current = activations.at(-1)?.set as string;
    const other = activations.find(({ set }) => set !== current)?.set as string;
    const retire = (set: string): Ended =>
      run('artefact', 'retire', ...inLog(house), '--set', set, '--reason', 'drill');
    expect(retire(current)).toMatchObject({ code: 2, err: expect.stringContaining('ARTEFACT_IN_FORCE') });
    expect(retire(other).code).toBe(0);
    const again = run('artefact', 'activate', ...inLog(house), '--set', other.slice(0, 8), '--reason', 'drill');
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('ARTEFACT_RETIRED') });
  });

  it('refuses a set with a rule that does not compile, and goes on with the old one', async () => {
    const broken = changedStreams(house, 'Broken');
    writeFileSync(join(broken, 'rules', 'broken.yml'), 'title: broken\ndetection: { condition: nothing }\n');
    const before = listOf(house).activations.length;
    expect(await activate(house, broken)).toMatchObject({ code: 2, err: expect.stringContaining('broken.yml') });
    expect(listOf(house).activations).toHaveLength(before);
    await feedSome(200);
    await expectReplayed('after-broken');
  });

  it('finds the same again from a stored set, and says when one was altered', async () => {
    const { activations } = listOf(house);
    const set = activations[0]?.set as string;
    const directory = replayLines(house, 'by-directory', '--streams', house.streamsDir);
    expect(replayLines(house, 'by-hash', '--artefacts', set.slice(0, 12))).toEqual(directory);
    expect(replayLines(house, 'current', '--artefacts', 'current').length).toBeGreaterThan(0);
  });
});

describe('an engine of a site that asks for two approvals', () => {
  let house: EngineHouse;
  const names = ['anna', 'ben', 'carl'];

  const keyOf = (name: string): string => join(house.root, `${name}.pem`);
  const approval = (name: string, set: string): string => {
    const file = join(house.root, `${name}.approval`);
    const args = ['--log', house.logDir, '--set', set, '--reason', 'drill', '--name', name, '--key', keyOf(name)];
    done('artefact', 'approve', ...args, '--out', file);
    return file;
  };
  const titles = async (): Promise<string[]> => (await logged(house)).map(({ title }) => title);
  const send = async (id: string): Promise<void> => {
    expect((await house.post(bytesOf(unsignedFirmware(Date.now(), id)), 'application/json')).status).toBe(200);
    await house.drained();
  };

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'wall', ruleFiles: SAMPLE_RULE_FILES });
    const approvers = names.map((name) => {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      writeFileSync(keyOf(name), privateKey.export({ format: 'pem', type: 'pkcs8' }));
      return { name, publicKey: publicKey.export({ format: 'pem', type: 'spki' }) as string };
    });
    await house.stopEngine();
    house.artefacts = { approvals: 2, approvers };
    await house.startEngine();
  }, 60_000);

  afterAll(() => house.close());

  it('brings a set into force with two signatures, which stand in the log', async () => {
    const set = changedStreams(house, 'Approved');
    const one = approval('anna', set);
    expect(await activate(house, set)).toMatchObject({
      code: 2,
      err: expect.stringContaining('ARTEFACT_APPROVAL_MISSING'),
    });
    expect(await activate(house, set, '--approval', one)).toMatchObject({ code: 2 });
    const two = approval('carl', set);
    expect((await activate(house, set, '--approval', one, two)).code).toBe(0);
    await send('approved');
    expect((await titles()).at(-1)).toMatch(/^Approved /);
    expect(listOf(house, '--verify').activations.map(({ isApproved }) => isApproved)).toEqual([true, true]);
    const again = changedStreams(house, 'Again');
    const stale = await activate(house, again, '--approval', one, two);
    expect(stale).toMatchObject({ code: 2, err: expect.stringContaining('ARTEFACT_APPROVAL_INVALID') });
  });

  it('refuses to write an approval over the key, and says which file it cannot read', () => {
    const key = readFileSync(keyOf('anna'), 'utf8');
    const args = ['--log', house.logDir, '--set', house.streamsDir, '--reason', 'drill', '--name', 'anna'];
    const over = run('artefact', 'approve', ...args, '--key', keyOf('anna'), '--out', keyOf('anna'));
    expect(over).toMatchObject({ code: 2, err: expect.stringContaining('would be overwritten') });
    expect(readFileSync(keyOf('anna'), 'utf8')).toBe(key);
    const missing = run('artefact', 'approve', ...args, '--key', keyOf('nobody'), '--out', keyOf('new'));
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('FILE_UNREADABLE') });
  });

  it('does not take a changed directory by itself, nor a command beside the engine without approvals', async () => {
    await house.stopEngine();
    const path = join(house.streamsDir, 'rules', SAMPLE_RULE_FILES[0] as string);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^title: .*$/m, 'title: Sneaked in'));
    const offline = run('artefact', 'activate', '--log', house.logDir, '--set', house.streamsDir, '--reason', 'drill');
    expect(offline).toMatchObject({ code: 2, err: expect.stringContaining('ARTEFACT_APPROVAL_MISSING') });
    await house.startEngine();
    await send('still');
    expect((await titles()).at(-1)).toMatch(/^Approved /);
    expect(listOf(house).activations).toHaveLength(2);
  });

  it('takes it from a command beside the engine, with approvals', async () => {
    await house.stopEngine();
    const files = ['ben', 'carl'].map((name) => approval(name, house.streamsDir));
    const args = ['--log', house.logDir, '--set', house.streamsDir, '--reason', 'drill', '--approval', ...files];
    done('artefact', 'activate', ...args);
    await house.startEngine();
    await send('sneaked');
    expect((await titles()).at(-1)).toBe('Sneaked in');
    expect(listOf(house, '--verify').activations.map(({ via }) => via)).toEqual(['start', 'engine', 'offline']);
    expect(replayLines(house, 'replayed', '--artefacts', 'in-force')).toEqual(detectionLines(await logged(house)));
  });
});
