import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadFieldClasses } from '@protego/artefacts';
import { systemClock, type EventData } from '@protego/contracts';
import { openHouseKeys } from '@protego/enclave';
import { EventLogReader } from '@protego/event-log';
import type { AcceptedItem } from '@protego/sources';
import { ImportSession } from './import-session';

const FIELDS = loadFieldClasses(join(__dirname, '../../../../streams'));
const TIME_MS = Date.parse('2026-03-02T07:00:00.000Z');

function itemOf(id: string, data: EventData = { user: { uid: id } }): AcceptedItem {
  const time = new Date(TIME_MS).toISOString();
  const event = { specversion: '1.0', id, source: 'ehr', type: 'access.signed-in', time, site: 'ward', data } as const;
  return { kind: 'event', event, timeMs: TIME_MS, arrivedAtMs: TIME_MS, line: 1, path: 'in.ndjson' };
}

/** Short as it comes, too long once every text is a placeholder. */
const swelling = (id: string): AcceptedItem =>
  itemOf(id, Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`f${i}`, 'a'])));

describe('ImportSession', () => {
  let directory: string;
  let session: ImportSession;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'protego-import-'));
    const target = {
      directory,
      fields: FIELDS,
      site: 'ward',
      files: ['in.ndjson'],
      clock: systemClock,
      openHouse: openHouseKeys,
    };
    session = await ImportSession.open(target);
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  async function idsInLog(): Promise<string[]> {
    const house = await openHouseKeys({ directory: join(directory, 'keys'), mode: 'read' });
    const reader = await EventLogReader.open({ directory, keys: house.keys });
    const ids = [...reader.records()].map(({ body }) => (JSON.parse(body.toString()) as { id: string }).id);
    await house.close();
    return ids;
  }

  it('takes more than one call of the vault holds, in order', async () => {
    const ids = Array.from({ length: 1_300 }, (_, i) => `e-${i}`);
    expect(await session.take(ids.map((id) => itemOf(id)))).toEqual(ids.map(() => undefined));
    await session.close();
    expect((await idsInLog()).slice(1, -1)).toEqual(ids);
    expect(session).toMatchObject({ appended: 1_300, duplicates: 0, firstSeq: 0, lastSeq: 1_301 });
  });

  it('says of each why it was not taken, and goes on', async () => {
    const refusals = await session.take([
      itemOf('a'),
      swelling('long'),
      itemOf('a'),
      itemOf('a', { user: { uid: 'another' } }),
      itemOf('b'),
    ]);
    expect(refusals.map((refusal) => refusal?.code)).toEqual([
      undefined,
      'EVENT_TOO_LARGE',
      undefined,
      'EVENT_ID_CONFLICT',
      undefined,
    ]);
    await session.close();
    expect(session).toMatchObject({ appended: 2, duplicates: 1 });
    expect((await idsInLog()).slice(1, -1)).toEqual(['a', 'b']);
  });

  it('ends with what was taken before the vault failed', async () => {
    const seal = jest.spyOn(session.vault, 'seal');
    await session.take([itemOf('a')]);
    seal.mockRejectedValueOnce(new Error('the enclave is gone'));
    await expect(session.take([itemOf('b')])).rejects.toThrow('the enclave is gone');
    await session.abandon();
    expect((await idsInLog()).slice(1)).toEqual(['a']);
  });
});
