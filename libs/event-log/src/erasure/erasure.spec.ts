import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, type Clock } from '@protego/contracts';
import { fixedKeys } from '@protego/enclave/testing';
import { backupLog } from '../backup/backup';
import { eraseFromBackups } from '../backup/backup-erasure';
import { readErasures } from '../backup/destroyed-keys';
import { VAULT_OBJECT } from '../backup/backup-target';
import { DirectoryTarget, openDirectoryTarget } from '../backup/directory-target';
import { eraseSubject, type ErasureOptions } from './erasure';
import { applyErasures } from './erasure-events';
import { verifyReceipt } from '../evidence/bundle-check';
import { exportBundle } from '../evidence/bundle-export';
import { writerAuthority, type LogAuthority } from '../evidence/log-authority';
import { subjectsOfRecord } from '../evidence/record-selection';
import { EventLogReader } from '../reader/reader';
import { LATEST_FILE } from '../tree/checkpoint-files';
import { refusedFileOf, sealRefused } from '../refused-records';
import { inTemporaryDirectory } from '../testing';
import { OneKeyVault, sealedRecord, signInOf } from '../testing/one-key-vault';
import { inVaultHouse } from '../testing/vault-house';
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
      await writer.append(
        await Promise.all(events.map((event, i) => sealedRecord(vault, event, 1_767_600_000_000 + i))),
      );
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
      const [revealed] = await vault.reveal([{ event: stored, sealed: before?.sealed as Buffer }]);
      expect(revealed?.erased).toEqual(['/data/user']);
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
      expect(await applyErasures({ reader, vault })).toMatchObject({ events: 1, keysDestroyed: 1 });
      expect(vault.people.has('person-3')).toBe(false);
      expect(await applyErasures({ reader, vault })).toMatchObject({ events: 1, keysDestroyed: 0 });
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

  it('comes to a backup on the next start when it was cut off before that', async () => {
    await inVaultHouse(async ({ root, options, reader, vault, authority }) => {
      await authority.checkpoint();
      const target = new DirectoryTarget(join(root, 'backup'));
      await backupLog({ ...options, target });
      const key = (await vault.find('u-0417'))?.keyIds[0] as string;
      const cut = eraseSubject({ ...options, reason: 'request', openTarget: () => Promise.reject(new Error('gone')) });
      expect((await cut).content.outOfReach).toMatchObject([{ kind: 'backup', name: target.location }]);
      const reach = { ...options, openTarget: () => Promise.reject(new Error('still gone')) };
      expect((await applyErasures({ reader, vault, backups: reach })).backupsOutOfReach).toHaveLength(1);
      expect(await readErasures(target)).toEqual(new Set());
      const backups = { ...options, openTarget: openDirectoryTarget };
      expect(await applyErasures({ reader, vault, backups })).toEqual({
        events: 1,
        keysDestroyed: 0,
        backupsOutOfReach: [],
      });
      expect(await readErasures(target)).toEqual(new Set([key]));
      const copy = readFileSync(join(root, 'backup', VAULT_OBJECT));
      expect(copy.equals(readFileSync(join(options.keysDirectory, 'vault')))).toBe(true);
      // Once it has followed, it is not opened again.
      const unopened = { ...options, openTarget: () => Promise.reject(new Error('opened again')) };
      expect((await applyErasures({ reader, vault, backups: unopened })).backupsOutOfReach).toEqual([]);
    });
  });

  it('leaves the keys in a backup that has records which the log lacks', async () => {
    await inVaultHouse(async ({ root, options, authority, append }) => {
      const target = new DirectoryTarget(join(root, 'backup'));
      await authority.checkpoint();
      const earlier = readFileSync(join(options.directory, LATEST_FILE));
      await append([signInOf('u-0500', 'Eva Meier', 5)]);
      await authority.checkpoint();
      await backupLog({ ...options, target });
      const vaultCopy = readFileSync(join(root, 'backup', VAULT_OBJECT));
      writeFileSync(join(options.directory, LATEST_FILE), earlier);
      const keys = { keyIds: ['ab'.repeat(16)], throughSeq: 3 };
      const { erased, outOfReach } = await eraseFromBackups({ ...options, openTarget: openDirectoryTarget }, keys);
      expect([erased, outOfReach[0]?.note]).toEqual([[], expect.stringContaining('its backup')]);
      expect(await readErasures(target)).toEqual(new Set(keys.keyIds));
      expect(readFileSync(join(root, 'backup', VAULT_OBJECT)).equals(vaultCopy)).toBe(true);
    });
  });

  it('is carried out and found again without anything sealed being opened here', async () => {
    await inVaultHouse(async ({ options, vault, append, authority }) => {
      const refused = {
        code: 'EVENT_JSON_INVALID',
        path: 'in.ndjson',
        line: 1,
        message: 'no JSON',
        rawEncoding: 'utf8',
      };
      // In order: one who is known, one of whom nobody has heard yet.
      const texts = ['{"who":"u-0417", broken', '{"who":"M. Kellermann", broken'];
      const lines = [];
      for (const raw of texts) lines.push(await sealRefused({ ...refused, raw }, vault, 'ehr', clock.wallMs()));
      await append([signInOf('u-0417', 'M. Kellermann', 8)]);
      const file = refusedFileOf(options.directory, clock.wallMs());
      writeFileSync(file, `${lines.join('\n')}\n`);
      const opened = jest.fn(() => Promise.reject(new Error('opened outside of the enclave')));
      Object.assign(vault, { reveal: opened, openText: opened, openForPipeline: opened });
      const appendEvent = authority.append.bind(authority);
      // As when events listed no other names: then records tell whose a name was.
      const older: LogAuthority = {
        ...authority,
        append: ((type, id, { aliases: _, ...data }) => appendEvent(type, id, data)) as typeof appendEvent,
      };
      const { content } = await eraseSubject({ ...options, authority: older, reason: 'request' });
      expect(content.texts).toMatchObject({ seqs: [0] });
      expect(content.outOfReach).toEqual([
        { kind: 'file', name: file, note: expect.stringMatching(/^1 records/) as unknown },
      ]);
      const hidden = jest.spyOn(vault, 'hiddenTokens');
      const again = await eraseSubject({ ...options, subject: 'M. Kellermann', reason: 'again' });
      expect(again.content).toMatchObject({ seq: content.seq, person: content.person });
      expect(hidden).toHaveBeenCalled();
      expect(opened).not.toHaveBeenCalled();
    });
  });

  it('is found again by another name of whom it forgot, and by an account', async () => {
    await inVaultHouse(async ({ options, writer }) => {
      const first = await eraseSubject({ ...options, reason: 'request' });
      const size = writer.size;
      const { content } = await eraseSubject({ ...options, subject: 'MARIA  Keller', reason: 'again' });
      expect(content).toMatchObject({ seq: first.content.seq, person: first.content.person, affected: { records: 1 } });
      await expect(eraseSubject({ ...options, subject: 'Nora Nobody', reason: 'x' })).rejects.toMatchObject({
        code: 'PERSON_UNKNOWN',
      });
      expect(writer.size).toBe(size);
    });
  });

  it('names those who are known by the same name, and does not touch them', async () => {
    await inVaultHouse(async ({ options, vault, append }) => {
      await append([signInOf('KLINIK\\maria.keller', 'm.k.', 5), signInOf('keller', 'Keller', 6)]);
      const account = (await vault.find('KLINIK\\maria.keller'))?.token;
      const { content } = await eraseSubject({ ...options, reason: 'request' });
      expect([content.namesakes, account]).toEqual([[account], expect.stringMatching(/^~s\./)]);
      expect((await vault.find('KLINIK\\maria.keller'))?.keyIds).toHaveLength(1);
    });
  });

  it('searches texts and the reason for the name of whom it is asked to forget by identity, with the vault in use', async () => {
    await inVaultHouse(async ({ options }) => {
      for (const reason of ['Maria Keller asked', 'mariakeller', '%4Daria%20Keller', 'MARIA/KELLER']) {
        await expect(eraseSubject({ ...options, reason })).rejects.toMatchObject({ code: 'USAGE_INVALID' });
      }
      const { content } = await eraseSubject({ ...options, reason: 'request' });
      expect(content).toMatchObject({ affected: { records: 1 }, texts: { records: 1, seqs: [0] } });
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
