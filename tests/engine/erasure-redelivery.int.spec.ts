import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProtegoEvent } from '@protego/contracts';
import type { ReceiptContent } from '@protego/event-log';
import { openEverything, search, spellingsOf } from './attacker';
import { JONAS, MARIA } from './crowd';
import { ANYBODY_USER, EngineHouse, PROTEGO, until } from './engine-house';
import { bytesOf, probeEvent, subjectOf } from './sample-events';

jest.setTimeout(120_000);

const NEEDLES = [MARIA.name, 'maria.keller', MARIA.uid].flatMap(spellingsOf);

describe('an event that is delivered again after its person was forgotten', () => {
  let house: EngineHouse;
  const startMs = Date.now();
  const signIn = (id: string, user: object): ProtegoEvent =>
    probeEvent(startMs, { id, type: 'access.signed-in', data: { user, mfa: true } });
  const started = probeEvent(startMs, {
    id: 'text',
    type: 'device.process-started',
    data: {
      device: { uid: 'ws-1' },
      process: { name: 'n', cmd_line: `n --for "${MARIA.name}"` },
      actor: { user: JONAS },
    },
  });
  const known = [signIn('hers', MARIA), started, signIn('his', JONAS)];

  async function publish(events: readonly ProtegoEvent[]): Promise<void> {
    const stream = (await house.connect(ANYBODY_USER)).jetstream();
    for (const event of events) await stream.publish(subjectOf(event), bytesOf(event));
  }

  function erase(): ReceiptContent {
    const args = ['log', 'erase', '--log', house.logDir, '--subject', MARIA.uid, '--reason', 'request 1', '--json'];
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROTEGO, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return (JSON.parse(stdout) as { receipt: ReceiptContent }).receipt;
  }

  /** What an attacker with all files and keys finds of her. */
  const attack = async (): Promise<string[]> => search(await openEverything([house.root]), NEEDLES);
  /** The bus frees a message's bytes only some time after it was taken in. */
  const nowhere = (): Promise<void> => until(async () => (await attack()).length === 0, 'her to be nowhere');

  beforeEach(async () => {
    house = await EngineHouse.open({ clock: 'wall' });
    const { password } = house.user('operator');
    const url = house.natsUrl.replace('nats://', `nats://operator:${password}@`);
    writeFileSync(join(house.root, 'nats/operator.url'), url);
    await publish(known);
    await house.drained();
  });

  afterEach(() => house.close());

  it('leaves her nowhere, and everybody else where they are, also when no message was ever refused', async () => {
    const receipt = erase();
    expect(receipt.outOfReach).toEqual([]);
    await nowhere();
    await publish(known);
    await house.drained();
    await nowhere();
    expect(await house.stream('PROTEGO_REJECTED')).toEqual([]);
    expect(await house.metric('protego_events_appended_total')).toBeGreaterThanOrEqual(known.length);
    expect((await house.log()).filter(({ event }) => event.id === 'his')).toMatchObject([
      { event: { data: { user: JONAS } } },
    ]);
    // Whoever really comes back is there again.
    await publish([signIn('new', MARIA)]);
    await house.drained();
    await publish([signIn('hers', MARIA)]);
    await house.drained();
    expect((await house.log()).find(({ event }) => event.id === 'new')).toMatchObject({
      event: { data: { user: MARIA } },
    });
  });

  it('leaves her nowhere when it waited while no engine ran; the receipt says what was not looked at', async () => {
    await house.stopEngine();
    await publish(known);
    expect(erase().outOfReach).toMatchObject([
      { kind: 'stream', name: expect.stringContaining('PROTEGO_IN') as string },
    ]);
    expect(await attack()).not.toEqual([]);
    await house.startEngine();
    await house.drained();
    await nowhere();
    expect(await house.stream('PROTEGO_REJECTED')).toEqual([]);
    expect(erase().outOfReach).toEqual([]);
  });
});
