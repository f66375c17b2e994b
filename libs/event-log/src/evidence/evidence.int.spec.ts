import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { transformSync } from '@swc/core';
import { parseFieldDeclarations, type Clock, type FieldClasses, type ProtegoEvent } from '@protego/contracts';
import { openHouseKeys, type HouseKeys } from '@protego/enclave';
import { backupLog } from '../backup/backup';
import { DirectoryTarget } from '../backup/directory-target';
import { restoreLog } from '../backup/restore';
import { eraseSubject, type ErasureReceipt } from '../erasure/erasure';
import { applyErasures } from '../erasure/erasure-events';
import { openCheckpoint } from '../tree/checkpoint';
import { checkInclusion, makeInclusionProof } from '../tree/proof';
import { leafHash } from '../tree/merkle-tree';
import { EventLogReader } from '../reader/reader';
import { parseVerifierKey } from '../tree/signed-note';
import { inTemporaryDirectory } from '../testing';
import { sealedRecord } from '../testing/one-key-vault';
import { TileStore } from '../tree/tile-store';
import { verifyLog } from '../verify/verify';
import { EventLogWriter } from '../writer/writer';
import { openBundleFile, verifyReceipt } from './bundle-check';
import { exportBundle } from './bundle-export';
import { generateReceiverKey } from './hpke';
import { writerAuthority } from './log-authority';
import { subjectsOfRecord } from './record-selection';
import { checkBundle } from './standalone/verify-bundle';

const FIELDS_PATH = resolve(__dirname, '../../../../streams/declarations/fields.yaml');
const PEOPLE = 1_000;
const FORGOTTEN = 137;
const SITE = 'general-hospital';
const START_MS = Date.parse('2026-01-05T08:00:00Z');

const uidOf = (person: number): string => `nurse-${String(person).padStart(4, '0')}`;
// Nobody's name is part of another's, so that a find is a find.
const nameOf = (person: number): string => `Given${1_000 + person} Family${1_000 + person}`;

interface Hospital {
  readonly root: string;
  readonly directory: string;
  readonly fields: FieldClasses;
  readonly house: HouseKeys;
  readonly writer: EventLogWriter;
  readonly reader: EventLogReader;
  readonly clock: Clock;
}

function eventOf(id: string, type: string, timeMs: number, data: Record<string, unknown>): ProtegoEvent {
  const time = new Date(timeMs).toISOString();
  return { specversion: '1.0', id, source: 'hosts', type, time, site: SITE, data };
}

/** Each person signs in twice; fifty records carry a name, in one spelling or another, in a command line or URL. */
function historyOf(): ProtegoEvent[] {
  const events: ProtegoEvent[] = [];
  for (let i = 0; i < 2 * PEOPLE; i++) {
    const person = i % PEOPLE;
    const user = { uid: uidOf(person), name: nameOf(person), ward: 'surgery' };
    events.push(
      eventOf(`in-${i}`, 'access.signed-in', START_MS + i * 1_000, { user, device: { uid: `pc-${i % 40}` } }),
    );
  }
  const [given, family] = nameOf(FORGOTTEN).split(' ') as [string, string];
  const texts = [
    `robocopy C:\\Users\\${uidOf(FORGOTTEN)}\\Documents D:\\backup`,
    `notepad.exe "Letter for ${given} ${family}.docx"`,
    `curl https://intranet.example/staff?name=${given}%20${family}`,
    `curl https://intranet.example/mail/${given}.${family}@hospital.example`,
    `net user ${given}_${family} /domain`,
  ];
  for (let i = 0; i < 50; i++) {
    const actor = { user: { uid: uidOf(5 + (i % 3)), name: nameOf(5 + (i % 3)) } };
    const process = { name: 'cmd.exe', cmd_line: texts[i % texts.length] };
    const data = { device: { uid: `pc-${i % 40}` }, process, actor };
    events.push(eventOf(`run-${i}`, 'device.process-started', START_MS + (3_000 + i) * 1_000, data));
  }
  return events;
}

async function inHospital(test: (hospital: Hospital) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (root) => {
    const directory = join(root, 'data', 'log');
    const fields = parseFieldDeclarations(readFileSync(FIELDS_PATH, 'utf8'), FIELDS_PATH);
    const house = await openHouseKeys({ directory: join(directory, 'keys'), mode: 'write', fields });
    const { keys, vault } = house;
    const writer = await EventLogWriter.open({ directory, origin: 'hospital.example', keys, segmentRecordsMax: 500 });
    const clock: Clock = { wallMs: () => START_MS + 86_400_000, monotonicMs: () => 0 };
    try {
      const records = await Promise.all(historyOf().map((event) => sealedRecord(vault, event, Date.parse(event.time))));
      await vault.flush();
      await writer.append(records);
      await writer.signCheckpoint();
      const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
      await test({ root, directory, fields, house, writer, reader, clock });
    } finally {
      await writer.close();
      await house.close();
    }
  });
}

/** Files below a directory in which one of the texts stands, in any case. */
function filesWith(root: string, needles: readonly Buffer[]): string[] {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => {
      const bytes = readFileSync(path);
      return needles.some((needle) => bytes.includes(needle));
    });
}

/** Slots of the vault that belong to a key, as they stand in the file while it lives. */
function vaultSlots(directory: string, keyIds: readonly string[]): Buffer[] {
  const vault = readFileSync(join(directory, 'keys', 'vault'));
  const slots: Buffer[] = [];
  for (let at = 0; at + 256 <= vault.length; at += 256) {
    const slot = vault.subarray(at, at + 256);
    if (keyIds.some((keyId) => slot.includes(Buffer.from(keyId, 'hex'))))
      slots.push(Buffer.from(slot.subarray(32, 96)));
  }
  return slots;
}

async function erase(hospital: Hospital, more: { targets?: readonly DirectoryTarget[] } = {}): Promise<ErasureReceipt> {
  const { directory, reader, house, writer, clock } = hospital;
  const authority = writerAuthority({ writer, clock, site: SITE });
  const targets = new Map((more.targets ?? []).map((target) => [target.location, target]));
  return eraseSubject({
    ...{
      directory,
      keysDirectory: join(directory, 'keys'),
      reader,
      keys: house.keys,
      vault: house.vault,
      authority,
      clock,
    },
    ...{ subject: uidOf(FORGOTTEN), reason: 'request under article 17' },
    openTarget: async (location) => targets.get(location) ?? Promise.reject(new Error('not mounted')),
  });
}

/** Everything in a log that its keys still open, as text. */
async function allRevealed(reader: EventLogReader, house: HouseKeys): Promise<string> {
  const stored = [...reader.records()].map(({ body, sealed }) => ({
    event: JSON.parse(body.toString()) as ProtegoEvent,
    sealed,
  }));
  const opened = await house.vault.reveal(stored);
  return opened
    .map(({ event }) => JSON.stringify(event))
    .join('\n')
    .toLowerCase();
}

function needlesOf(person: number): string[] {
  const [given = '', family = ''] = nameOf(person).toLowerCase().split(' ');
  return [uidOf(person), given, family];
}

function standaloneCode(): string {
  return transformSync(readFileSync(join(__dirname, 'standalone', 'verify-bundle.ts'), 'utf8'), {
    module: { type: 'commonjs' },
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  }).code;
}

/** Exit code of the standalone verifier for a receipt, in a directory that holds nothing else. */
function standalone(away: string, receipt: string, verifierKey: string): number | null {
  mkdirSync(away, { recursive: true });
  writeFileSync(join(away, 'verify-bundle.js'), standaloneCode());
  writeFileSync(join(away, 'receipt.json'), receipt);
  const args = ['verify-bundle.js', 'receipt.json', verifierKey];
  return spawnSync(process.execPath, args, { cwd: away, encoding: 'utf8', env: {} }).status;
}

describe('forgetting one of a thousand people', () => {
  it('makes every trace unreadable, leaves the others readable, and keeps all proofs', async () => {
    await inHospital(async (hospital) => {
      const { root, directory, house, writer, reader, clock } = hospital;
      const { keys } = house;
      const person = await house.vault.find(uidOf(FORGOTTEN));
      const keyIds = person?.keyIds ?? [];
      const before = await allRevealed(reader, house);
      for (const needle of needlesOf(FORGOTTEN)) expect(before).toContain(needle);
      const slots = vaultSlots(directory, keyIds);
      expect(slots.length).toBeGreaterThan(0);
      expect(filesWith(join(root, 'data'), slots)).toEqual([join(directory, 'keys', 'vault')]);
      const target = new DirectoryTarget(join(root, 'backups'));
      await backupLog({ directory, keysDirectory: join(directory, 'keys'), keys, target, clock });
      expect(filesWith(join(root, 'backups'), slots)).toHaveLength(1);
      const note = await writer.signCheckpoint();
      const old = openCheckpoint(note, [parseVerifierKey(writer.identity.verifierKey)]);
      const proof = makeInclusionProof(new TileStore(directory, old.size), FORGOTTEN);
      const leaf = Buffer.from(reader.recordAt(FORGOTTEN as never)?.leaf as Buffer);

      const receipt = await erase(hospital, { targets: [target] });

      expect(receipt.content).toMatchObject({
        affected: { firstSeq: FORGOTTEN },
        texts: { records: 0 },
        outOfReach: [],
      });
      expect(receipt.content.affected.records).toBe(52);
      expect(receipt.content.backupsErased).toEqual([target.location]);
      verifyReceipt(receipt.text, writer.identity.verifierKey);
      expect(standalone(join(root, 'away'), receipt.text, writer.identity.verifierKey)).toBe(0);
      const forged = receipt.text.replace('"reason":"request under', '"reason":"request  under');
      expect(standalone(join(root, 'away'), forged, writer.identity.verifierKey)).toBe(1);
      const after = await allRevealed(reader, house);
      for (const needle of needlesOf(FORGOTTEN)) expect(after).not.toContain(needle);
      for (const needle of [...needlesOf(FORGOTTEN + 1), ...needlesOf(5), ...needlesOf(7)])
        expect(after).toContain(needle);
      const clear = needlesOf(FORGOTTEN)
        .flatMap((text) => [text, nameOf(FORGOTTEN)])
        .map((text) => Buffer.from(text));
      expect(filesWith(root, [...slots, ...clear])).toEqual([]);
      expect(verifyLog({ directory, keys, against: [note, receipt.content.checkpoint] }).problems).toEqual([]);
      checkInclusion({ index: FORGOTTEN, size: old.size, leafHash: leafHash(leaf), root: old.root }, proof);
    });
  }, 120_000);

  it('holds when yesterday is restored: from the target, and with the receipt from a copy that nobody could reach', async () => {
    await inHospital(async (hospital) => {
      const { root, directory, fields, house, reader, clock } = hospital;
      const { keys } = house;
      const target = new DirectoryTarget(join(root, 'backups'));
      await backupLog({ directory, keysDirectory: join(directory, 'keys'), keys, target, clock });
      cpSync(join(root, 'backups'), join(root, 'tape'), { recursive: true });
      expect(await allRevealed(reader, house)).toContain(uidOf(FORGOTTEN));
      const receipt = await erase(hospital, { targets: [target] });
      const rootSecretFile = join(directory, 'keys', 'root.secret');
      const tape = new DirectoryTarget(join(root, 'tape'));
      for (const [name, source, receipts] of [
        ['from-target', target, []],
        ['from-tape', tape, [receipt.text]],
      ] as const) {
        const restored = join(root, name);
        const report = await restoreLog({
          openHouse: openHouseKeys,
          target: source,
          directory: restored,
          rootSecretFile,
          fields,
          receipts,
        });
        expect(report.size).toBe(2_050);
        const copy = await openHouseKeys({ directory: join(restored, 'keys'), mode: 'write', fields });
        const again = await EventLogReader.open({ directory: restored, keys: copy.keys });
        await applyErasures({ reader: again, vault: copy.vault });
        const text = await allRevealed(again, copy);
        for (const needle of needlesOf(FORGOTTEN)) expect(text).not.toContain(needle);
        expect(text).toContain(uidOf(FORGOTTEN + 1));
        await copy.close();
      }
      // The same tape without a receipt: it is what the receipt of an erasure warns of.
      const unwarned = join(root, 'unwarned');
      await restoreLog({ openHouse: openHouseKeys, target: tape, directory: unwarned, rootSecretFile, fields });
      const copy = await openHouseKeys({ directory: join(unwarned, 'keys'), mode: 'write', fields });
      const again = await EventLogReader.open({ directory: unwarned, keys: copy.keys });
      expect(await allRevealed(again, copy)).toContain(uidOf(FORGOTTEN));
      await copy.close();
    });
  }, 120_000);

  it('names a backup that could not be reached', async () => {
    await inHospital(async (hospital) => {
      const { root, directory, house, clock } = hospital;
      const target = new DirectoryTarget(join(root, 'backups'));
      await backupLog({ directory, keysDirectory: join(directory, 'keys'), keys: house.keys, target, clock });
      const { content } = await erase(hospital);
      expect(content.backupsErased).toEqual([]);
      expect(content.outOfReach).toEqual([
        expect.objectContaining({
          kind: 'backup',
          name: target.location,
          note: expect.stringContaining('not mounted'),
        }),
      ]);
    });
  }, 120_000);
});

describe('a bundle out of a log of sealed fields', () => {
  it('verifies in an empty directory, opens for its receiver, and a flipped bit is found wherever it is', async () => {
    await inHospital(async ({ root, directory, reader, house, writer, clock }) => {
      const { keys, vault } = house;
      const receiver = generateReceiverKey();
      const authority = writerAuthority({ writer, clock, site: SITE });
      const file = join(root, 'evidence.bundle');
      const { verifierKey } = writer.identity;
      const parts = { directory, reader, keys, vault, authority, clock, receiver: receiver.publicKey };
      const selection = { subject: nameOf(FORGOTTEN) };
      const summary = await exportBundle({ ...parts, file, selection, purpose: 'complaint 7' });
      expect(summary.records).toBeGreaterThanOrEqual(2);
      const away = join(root, 'away');
      mkdirSync(away);
      writeFileSync(join(away, 'verify-bundle.js'), standaloneCode());
      writeFileSync(join(away, 'receiver.pem'), receiver.privateKey);
      cpSync(file, join(away, 'evidence.bundle'));
      const args = ['verify-bundle.js', 'evidence.bundle', verifierKey, '--open', 'receiver.pem'];
      const run = spawnSync(process.execPath, args, { cwd: away, encoding: 'utf8', env: {} });
      expect(run).toMatchObject({ status: 0, stderr: '' });
      expect(run.stdout).toContain(`"name":"${nameOf(FORGOTTEN)}"`);
      expect(openBundleFile(file, receiver.privateKey, verifierKey)).toHaveLength(summary.records);
      const bytes = readFileSync(file);
      const accepted: number[] = [];
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        try {
          checkBundle(bytes, verifierKey);
          accepted.push(bit);
        } catch {
          // Found, as it must be.
        }
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      }
      expect(accepted).toEqual([]);
      process.stderr.write(`evidence: ${bytes.length * 8} bits flipped one by one\n`);
    });
  }, 300_000);
});
