import {
  EventValidator,
  MUTE_MS_MAX,
  eventRegistry,
  formatRfc3339,
  type DetectionMute,
  type ProtegoEvent,
} from '@protego/contracts';
import { sampleRecord } from '../testing';
import { signInOf } from '../testing/one-key-vault';
import { inVaultHouse, type VaultHouse } from '../testing/vault-house';
import { findDetection, muteDetections, unmuteDetections, type MuteParts, type MuteRequest } from './mute';

const NOW_MS = Date.parse('2026-03-02T08:00:00Z');
const SKEW_MS = 60_000;
const REASON = 'on the test bench';
const validator = new EventValidator(eventRegistry);

const partsOf = ({ reader, vault, authority }: VaultHouse): MuteParts => ({
  ...{ reader, vault, authority, skewMaxMs: SKEW_MS },
  now: () => NOW_MS,
});

/** Mutes, and gives the event back as it stands in the log. */
async function mutedIn(house: VaultHouse, request: Partial<MuteRequest>): Promise<ProtegoEvent> {
  const receipt = await muteDetections('mute', { forMs: 3_600_000, reason: REASON, ...request }, partsOf(house));
  const event = JSON.parse(house.reader.recordAt(receipt.seq)?.body.toString('utf8') ?? '') as ProtegoEvent;
  expect(event).toMatchObject({ id: receipt.id, data: receipt.data });
  return validator.check(event).event;
}

const entityOf = async (house: VaultHouse, kind: string, id: string): Promise<DetectionMute['entity']> =>
  ((await mutedIn(house, { entity: { kind, id } })).data as unknown as DetectionMute).entity;

async function appendDetection(house: VaultHouse, id: string, entities: object[], seq: number): Promise<void> {
  const data = { id, ruleId: 'beaconing', entities };
  const body = Buffer.from(JSON.stringify({ id, source: 'protego', type: 'detection.raised', data }));
  await house.writer.append([{ ...sampleRecord(seq, 'detection.raised'), body }]);
}

describe('muteDetections', () => {
  it('writes an event at the time of the pipeline, and says from when it counts', async () => {
    await inVaultHouse(async (house) => {
      const request = { rule: 'beaconing', entity: { kind: 'device', id: 'pump-7' }, forMs: 3_600_000, reason: REASON };
      const receipt = await muteDetections('acknowledge', request, partsOf(house));
      expect(receipt.countsFrom).toBe('2026-03-02T08:01:00.001Z');
      const record = house.reader.recordAt(receipt.seq);
      const event = validator.check(JSON.parse(record?.body.toString('utf8') ?? '')).event;
      expect(event).toMatchObject({
        source: 'protego',
        type: 'detection.acknowledged',
        time: formatRfc3339(NOW_MS),
        data: {
          rule: 'beaconing',
          entity: { kind: 'device', id: 'pump-7' },
          expiresAt: '2026-03-02T09:00:00.000Z',
          reason: REASON,
        },
      });
      expect(record?.timeMs).toBe(NOW_MS);
    });
  });

  it('names a person by tokens, however it is asked, and leaves no name in the log', async () => {
    await inVaultHouse(async (house) => {
      const person = await house.vault.find('u-0417');
      const [name] = await house.vault.tokensOf('Maria Keller');
      const both = [person?.token, name].sort();
      for (const id of ['u-0417', 'Maria Keller', person?.token ?? '', name ?? '']) {
        const entity = await entityOf(house, 'person', id);
        expect([entity?.id, ...(entity?.aliases ?? [])].sort()).toEqual(both);
      }
      const bodies = [...house.reader.query({ types: ['detection.*'] })].map(({ body }) => body.toString('utf8'));
      expect(bodies).toHaveLength(4);
      expect(bodies.filter((body) => /u-0417|Keller/.test(body))).toEqual([]);
    });
  });

  it('takes the kind for who is meant: staff are no patients, and machines nobody', async () => {
    await inVaultHouse(async (house) => {
      const patient = { ...signInOf('u-0499', 'Ute Blum', 9), id: 'read', type: 'access.record-read' };
      const actor = { user: { uid: 'u-0418' } };
      await house.append([{ ...patient, data: { actor, patient: { uid: 'u-0417', name: 'Maria Keller' } } }]);
      await expect(house.vault.find('u-0417')).rejects.toMatchObject({ code: 'PERSON_AMBIGUOUS' });
      expect((await entityOf(house, 'person', 'u-0417'))?.id).toMatch(/^~s\./);
      expect((await entityOf(house, 'patient', 'u-0417'))?.id).toMatch(/^~p\./);
      await expect(entityOf(house, 'patient', 'u-0418')).rejects.toMatchObject({ code: 'PERSON_UNKNOWN' });
      expect(await entityOf(house, 'host', 'u-0417')).toEqual({ kind: 'host', id: 'u-0417' });
    });
  });

  it('refuses a person whom nobody knows, takes a token of one, and other kinds as they are', async () => {
    await inVaultHouse(async (house) => {
      await expect(entityOf(house, 'person', 'u-9999')).rejects.toMatchObject({ code: 'PERSON_UNKNOWN' });
      const token = '~s.AAAAAAAAAAAAAAAAAAAAAA';
      expect(await entityOf(house, 'person', token)).toEqual({ kind: 'person', id: token });
      expect(await entityOf(house, 'account', 'svc-9')).toEqual({ kind: 'account', id: 'svc-9' });
      expect((await entityOf(house, 'account', 'u-0418'))?.id).toMatch(/^~s\./);
    });
  });

  it('takes rule and first entity from a detection, where they are not given', async () => {
    await inVaultHouse(async (house) => {
      const [one, other] = ['a'.repeat(32), 'b'.repeat(32)];
      const pump = { kind: 'device', id: 'pump-7' };
      await appendDetection(house, one, [pump, { kind: 'address', id: '10.0.0.1' }], 1);
      await appendDetection(house, other, [], 2);
      expect((await mutedIn(house, { detection: one })).data).toMatchObject({
        ...{ detection: one, rule: 'beaconing', entity: pump },
      });
      expect((await mutedIn(house, { detection: other })).data).not.toHaveProperty('entity');
      const entity = { kind: 'device', id: 'pump-8' };
      expect((await mutedIn(house, { detection: one, rule: 'other', entity })).data).toMatchObject({
        ...{ detection: one, rule: 'other', entity },
      });
      expect((await findDetection(other, house.reader))?.ruleId).toBe('beaconing');
      await expect(mutedIn(house, { detection: 'c'.repeat(32) })).rejects.toMatchObject({ code: 'DETECTION_UNKNOWN' });
    });
  });

  it('writes who asked as a token, also who is not known', async () => {
    await inVaultHouse(async (house) => {
      for (const actor of ['u-0418', 'somebody'])
        expect((await mutedIn(house, { rule: 'r', actor })).data['actor']).toMatch(/^~s\.[\w-]{22}$/);
      const token = '~s.AAAAAAAAAAAAAAAAAAAAAA';
      expect((await mutedIn(house, { rule: 'r', actor: token })).data).toMatchObject({ actor: token });
    });
  });

  it.each<[string, Partial<MuteRequest>]>([
    ['nothing chosen', {}],
    ['no expiry', { rule: 'r', forMs: undefined }],
    ['two expiries', { rule: 'r', expiresAtMs: NOW_MS + 3_600_000 }],
    ['an expiry before it counts', { rule: 'r', forMs: SKEW_MS + 1 }],
    ['an expiry more than a year ahead', { rule: 'r', forMs: MUTE_MS_MAX + 1 }],
    ['an expiry that is no number', { rule: 'r', forMs: Number.NaN }],
    ['an empty reason', { rule: 'r', reason: ' ' }],
    ['a long reason', { rule: 'r', reason: 'r'.repeat(1_001) }],
    [
      'a reason that names the person',
      { entity: { kind: 'person', id: 'Maria Keller' }, reason: 'Keller, Maria is on leave' },
    ],
    ['a reason that names who asks', { rule: 'r', actor: 'Jonas Brandt', reason: 'jonas.brandt said so' }],
  ])('refuses %s, and writes nothing', async (_, request) => {
    await inVaultHouse(async (house) => {
      const before = house.writer.size;
      await expect(mutedIn(house, request)).rejects.toMatchObject({ code: 'USAGE_INVALID' });
      expect(house.writer.size).toBe(before);
    });
  });

  it('takes the first and the last expiry that there is, and a reason that names the device', async () => {
    await inVaultHouse(async (house) => {
      for (const forMs of [SKEW_MS + 2, MUTE_MS_MAX])
        await mutedIn(house, { entity: { kind: 'device', id: 'pump-7' }, forMs, reason: 'pump-7 is on the bench' });
    });
  });
});

describe('unmuteDetections', () => {
  it('ends what was begun, and nothing else', async () => {
    await inVaultHouse(async (house) => {
      const { id } = await mutedIn(house, { rule: 'r' });
      const receipt = await unmuteDetections({ mute: id, reason: 'done', actor: 'u-0418' }, partsOf(house));
      const event = JSON.parse(house.reader.recordAt(receipt.seq)?.body.toString('utf8') ?? '') as ProtegoEvent;
      expect(validator.check(event).event).toMatchObject({
        type: 'detection.unmuted',
        data: { mute: id, reason: 'done' },
      });
      await expect(unmuteDetections({ mute: receipt.id, reason: 'done' }, partsOf(house))).rejects.toMatchObject({
        code: 'MUTE_UNKNOWN',
      });
    });
  });
});
