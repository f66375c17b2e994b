import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseFieldDeclarations, systemClock, type Clock } from '@protego/contracts';
import { fixedHouse, fixedKeys } from '@protego/enclave/testing';
import { applyErasures, eraseSubject, type ErasureOptions } from './erasure';
import { verifyReceipt } from '../evidence/bundle-check';
import { exportBundle } from '../evidence/bundle-export';
import { writerAuthority, type LogAuthority } from '../evidence/log-authority';
import { subjectsOfRecord } from '../evidence/record-selection';
import { NameSearch } from './name-search';
import { EventLogReader } from '../reader/reader';
import { inTemporaryDirectory } from '../testing';
import { OneKeyVault, sealedRecord, signInOf } from '../testing/one-key-vault';
import { EventLogWriter } from '../writer/writer';

const clock: Clock = { ...systemClock, wallMs: () => Date.parse('2026-02-01T00:00:00Z') };

interface House {
  readonly root: string;
  readonly directory: string;
  readonly vault: OneKeyVault;
  readonly writer: EventLogWriter;
  readonly reader: EventLogReader;
  readonly authority: LogAuthority;
  readonly options: ErasureOptions;
}

/** A log of 100 sign-ins of 10 people; every seventh names Ada Example 3 in an open field as well. */
async function inHouse(test: (house: House) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (root) => {
    const directory = join(root, 'log');
    const keys = fixedKeys('erasure');
    const vault = new OneKeyVault();
    const writer = await EventLogWriter.open({ directory, origin: 'erasure.example', keys });
    try {
      const events = Array.from({ length: 100 }, (_, i) =>
        signInOf(
          `person-${i % 10}`,
          `Ada Example ${i % 10}`,
          i,
          i % 7 === 0 ? { note: 'for ada.example-3 again' } : {},
        ),
      );
      await writer.append(events.map((event, i) => sealedRecord(vault, event, 1_767_600_000_000 + i)));
      const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
      const authority = writerAuthority({ writer, clock, site: 'general-hospital' });
      const parts = { directory, keysDirectory: join(root, 'keys'), reader, keys, vault, authority, clock };
      const options = { ...parts, subject: 'person-3', reason: 'request of 3 January' };
      await test({ root, directory, vault, writer, reader, authority, options });
    } finally {
      await writer.close();
    }
  });
}

describe('the erasure of a person', () => {
  it('appends the event, destroys the keys, and gives a receipt that verifies', async () => {
    await inHouse(async ({ writer, reader, vault, options }) => {
      const before = reader.recordAt(13 as never);
      const { content, text } = await eraseSubject(options);
      expect(content).toMatchObject({
        reason: 'request of 3 January',
        seq: 100,
        affected: { records: 10, firstSeq: 3, lastSeq: 93 },
        texts: { records: 15, seqs: expect.arrayContaining([0, 7, 98]) as unknown },
        backupsErased: [],
        outOfReach: [],
      });
      expect(text).not.toContain('person-3');
      expect(verifyReceipt(text, writer.identity.verifierKey)).toEqual(JSON.parse(text).receipt);
      expect(vault.people.has('person-3')).toBe(false);
      expect(reader.recordAt(13 as never)?.leaf.equals(before?.leaf as Buffer)).toBe(true);
      const stored = JSON.parse(before?.body.toString() as string);
      expect(vault.reveal(stored, before?.sealed as Buffer).erased).toEqual(['/data/user']);
      expect(vault.people.size).toBe(9);
    });
  });

  it('gives a receipt in which a flipped bit is found wherever it is, and that fits no other key', async () => {
    await inHouse(async ({ writer, options }) => {
      const { text } = await eraseSubject({ ...options, searchesTexts: false });
      const bytes = Buffer.from(text);
      const isRefused = (): boolean => {
        try {
          verifyReceipt(bytes, writer.identity.verifierKey);
          return false;
        } catch (cause) {
          return (cause as { code?: string }).code === 'RECEIPT_INVALID';
        }
      };
      const accepted: number[] = [];
      for (let bit = 0; bit < bytes.length * 8; bit += 7) {
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        if (!isRefused()) accepted.push(bit);
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      }
      expect(accepted).toEqual([]);
      expect(() => verifyReceipt(bytes, 'other.example+00000000+AAAA')).toThrow('another key');
      expect(() => verifyReceipt(`${text}\n`)).toThrow('the receipt is not valid');
      expect(verifyReceipt(bytes)['seq']).toBe(100);
    });
  }, 120_000);

  it('lists bundles that hold records of the person, and none that do not', async () => {
    await inHouse(async ({ root, options }) => {
      const selections = [{ fromSeq: 0, toSeq: 3 }, { fromSeq: 3, toSeq: 4 }, { subject: 'pc-1' }];
      const made = [];
      for (const [i, selection] of selections.entries()) {
        const parts = { ...options, selection, purpose: 'test', file: join(root, `${i}.bundle`) };
        made.push(await exportBundle(parts));
      }
      const findCopies: ErasureOptions['findCopies'] = (search) =>
        Promise.resolve(search.isIn('by PERSON-3') ? [{ kind: 'stream', name: 'INPUT', note: 'purge it' }] : []);
      const { content } = await eraseSubject({ ...options, findCopies });
      expect(content.outOfReach.map(({ kind, name }) => [kind, name])).toEqual([
        ['bundle', made[1]?.bundle],
        ['bundle', made[2]?.bundle],
        ['stream', 'INPUT'],
      ]);
    });
  });

  it('is carried through on the next start when it was cut off after the event', async () => {
    await inHouse(async ({ reader, vault, options }) => {
      const destroy = vault.destroy.bind(vault);
      vault.destroy = () => Promise.reject(new Error('the power went'));
      await expect(eraseSubject(options)).rejects.toThrow('the power went');
      vault.destroy = destroy;
      expect(vault.people.has('person-3')).toBe(true);
      expect(await applyErasures({ reader, vault })).toEqual({ events: 1, keysDestroyed: 1 });
      expect(vault.people.has('person-3')).toBe(false);
      expect(await applyErasures({ reader, vault })).toEqual({ events: 1, keysDestroyed: 0 });
    });
  });

  it('is finished when it is asked for again, with the receipt of the event there is', async () => {
    await inHouse(async ({ writer, vault, reader, options }) => {
      const destroy = vault.destroy.bind(vault);
      vault.destroy = () => Promise.reject(new Error('the power went'));
      await expect(eraseSubject(options)).rejects.toThrow('the power went');
      vault.destroy = destroy;
      await applyErasures({ reader, vault });
      const { content, text } = await eraseSubject({ ...options, reason: 'again' });
      expect(content).toMatchObject({ seq: 100, reason: 'request of 3 January', affected: { records: 10 } });
      expect(verifyReceipt(text, writer.identity.verifierKey)).toEqual(JSON.parse(text).receipt);
      // Her own records hold tokens, which are no names.
      expect(content.texts).toEqual({ records: 0, seqs: [] });
      expect(writer.size).toBe(101);
    });
  });

  it('searches texts and the reason for the name of whom it is asked to forget by identity, with the vault in use', async () => {
    await inTemporaryDirectory(async (root) => {
      const directory = join(root, 'log');
      const keysDirectory = join(root, 'keys');
      const path = join(__dirname, '../../../../streams/declarations/fields.yaml');
      const house = await fixedHouse(keysDirectory, parseFieldDeclarations(readFileSync(path, 'utf8'), path));
      const { keys, vault } = house;
      const writer = await EventLogWriter.open({ directory, origin: 'erasure.example', keys });
      try {
        const early = signInOf('u-0418', 'Jonas Brandt', 0, { note: 'for Maria Keller' });
        const events = [early, signInOf('u-0417', 'Maria Keller', 1)];
        await writer.append(events.map((event, i) => sealedRecord(vault, event, 1_767_600_000_000 + i)));
        await vault.flush();
        const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
        const authority = writerAuthority({ writer, clock, site: 'general-hospital' });
        const options = { directory, keysDirectory, reader, keys, vault, authority, clock, subject: 'u-0417' };
        const naming = eraseSubject({ ...options, reason: 'Maria Keller asked' });
        await expect(naming).rejects.toMatchObject({ code: 'USAGE_INVALID' });
        const { content } = await eraseSubject({ ...options, reason: 'request' });
        expect(content).toMatchObject({ affected: { records: 1 }, texts: { records: 1, seqs: [0] } });
      } finally {
        await writer.close();
        await house.close();
      }
    });
  });

  it('refuses the unknown, and a reason that names the person, before anything is written', async () => {
    await inHouse(async ({ writer, options }) => {
      for (const [change, code] of [
        [{ subject: 'person-99' }, 'PERSON_UNKNOWN'],
        [{ reason: '' }, 'USAGE_INVALID'],
        [{ reason: 'asked for by Ada  Example 3 herself' }, 'USAGE_INVALID'],
      ] as const) {
        await expect(eraseSubject({ ...options, ...change })).rejects.toMatchObject({ code });
      }
      expect(writer.size).toBe(100);
    });
  });
});

describe('the search for names', () => {
  const search = new NameSearch(['Ada Lovelace', 'ab', 'Böhm', 'Hopper, Grace']);

  it.each([
    'ada.lovelace',
    '/home/ada%20lovelace/x',
    'ADA_LOVELACE',
    'to Ada+Lovelace!',
    'Bo\u0308hm',
    'x=böhm;',
    'Lovelace,Ada',
    'LOVELACE ,  Ada (ward 3)',
    'for Grace Hopper',
    String.raw`{"note":"B\u00f6hm"}`,
    String.raw`{"raw":"{\"who\":\"Ada\\nLovelace\"}"}`,
  ])('finds a name in `%s`', (text) => expect(search.isIn(text)).toBe(true));

  it.each(['adalovelace', 'Ada Lovelacey', 'xada lovelace', 'ab', 'Lovelace Ada', 'Böhme'])(
    'finds none in `%s`',
    (text) => expect(search.isIn(text)).toBe(false),
  );
});
