import { isProtegoError } from '@protego/contracts';
import { measurementOf } from '../measurement/measure';
import { type LaunchedEnclave } from '../platform/platform';
import { memoryPlatform } from '../testing/memory-platform';
import { sampleAuthor, sampleImage } from '../testing/sample-enclaves';
import { type UnlockSecret } from '../unlock/unlock-secret';
import { wrapRoot } from '../unlock/wrapped-root';
import { migrateBlob, signMigrationGrant, type MigrationAuthority } from './migration';
import { openBlob, sealBlob } from './sealed-blob';

const ROOT = Buffer.alloc(32, 0x5a);
const SEALING = { policy: 'measurement', label: 'root', counter: 'root' } as const;
const KEY_FILE: UnlockSecret = { kind: 'key-file', content: Buffer.alloc(32, 1) };
const to = measurementOf(sampleImage({ code: 'v2' }).manifest);
const from = measurementOf(sampleImage({ code: 'v1' }).manifest);
const granted = { from, to, label: 'root' };

function launch(): { old: LaunchedEnclave; next: LaunchedEnclave; third: LaunchedEnclave } {
  const platform = memoryPlatform();
  const [old, next, third] = ['v1', 'v2', 'v3'].map((code) => platform.launch(sampleImage({ code, author: 'a' })));
  return { old, next, third } as { old: LaunchedEnclave; next: LaunchedEnclave; third: LaunchedEnclave };
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'done',
    (error: unknown) => (isProtegoError(error) ? error.code : String(error)),
  );
}

function byAuthor(grant: Partial<typeof granted> = {}, author = 'a'): MigrationAuthority {
  return { by: 'author', grant: signMigrationGrant(sampleAuthor(author), { ...granted, ...grant }) };
}

describe('migration', () => {
  it('hands the content to one other enclave, which takes it knowingly, and makes the old blob void', async () => {
    const { old, next, third } = launch();
    const blob = await sealBlob(old, ROOT, SEALING);
    const migrated = await migrateBlob(old, blob, { ...SEALING, to, authority: byAuthor() });
    expect(await codeOf(openBlob(old, blob, SEALING))).toBe('done');
    expect(await codeOf(openBlob(next, migrated, SEALING))).toBe('ENCLAVE_MEASUREMENT_MISMATCH');
    expect(await codeOf(openBlob(next, migrated, { ...SEALING, migratedFrom: to }))).toBe(
      'ENCLAVE_MEASUREMENT_MISMATCH',
    );
    expect(await codeOf(openBlob(third, migrated, { ...SEALING, migratedFrom: from }))).toBe(
      'ENCLAVE_MEASUREMENT_MISMATCH',
    );
    expect(await openBlob(next, migrated, { ...SEALING, migratedFrom: from })).toEqual(ROOT);
    expect(await codeOf(openBlob(old, blob, SEALING))).toBe('ENCLAVE_ROLLED_BACK');
    const own = await sealBlob(next, ROOT, SEALING);
    expect(await openBlob(next, own, SEALING)).toEqual(ROOT);
    expect(await codeOf(openBlob(next, migrated, { ...SEALING, migratedFrom: from }))).toBe('ENCLAVE_ROLLED_BACK');
  });

  it('is refused without a grant for this very migration by the author of the enclave', async () => {
    const { old } = launch();
    const blob = await sealBlob(old, ROOT, SEALING);
    const [ours] = [byAuthor()];
    if (ours.by !== 'author') throw new Error('no grant');
    const altered = { ...ours.grant, signature: ours.grant.signature.replace(/^../, '00') };
    const authorities = [
      byAuthor({}, 'b'),
      byAuthor({ to: from }),
      byAuthor({ from: to }),
      byAuthor({ label: 'other' }),
      { by: 'author', grant: altered } as const,
      { by: 'author', grant: { ...ours.grant, publicKey: 'zz' } } as const,
    ];
    for (const authority of authorities) {
      expect(await codeOf(migrateBlob(old, blob, { ...SEALING, to, authority }))).toBe('ENCLAVE_GRANT_REFUSED');
    }
    const short = { ...SEALING, to: to.subarray(1), authority: ours };
    expect(await codeOf(migrateBlob(old, blob, short))).toBe('ENCLAVE_GRANT_REFUSED');
  });

  it('is refused in an enclave that cannot open the blob, or has no author', async () => {
    const { old, next } = launch();
    const blob = await sealBlob(old, ROOT, SEALING);
    const grant = byAuthor({ from: to });
    expect(await codeOf(migrateBlob(next, blob, { ...SEALING, to, authority: grant }))).toBe(
      'ENCLAVE_MEASUREMENT_MISMATCH',
    );
    const unsigned = memoryPlatform().launch(sampleImage());
    const own = await sealBlob(unsigned, ROOT, SEALING);
    expect(await codeOf(migrateBlob(unsigned, own, { ...SEALING, to, authority: byAuthor() }))).toBe(
      'ENCLAVE_GRANT_REFUSED',
    );
  });

  it('is allowed by operators whose secrets unwrap the root in the blob, and by no others', async () => {
    const { old, next } = launch();
    const wrapped = await wrapRoot(ROOT, [KEY_FILE]);
    const blob = await sealBlob(old, wrapped, SEALING);
    const wrong = [{ kind: 'key-file', content: Buffer.alloc(32, 2) }] as const;
    for (const secrets of [wrong, []]) {
      const authority = { by: 'operators', secrets } as const;
      expect(await codeOf(migrateBlob(old, blob, { ...SEALING, to, authority }))).toBe('ENCLAVE_UNLOCK_REFUSED');
    }
    const authority = { by: 'operators', secrets: [KEY_FILE] } as const;
    const migrated = await migrateBlob(old, blob, { ...SEALING, to, authority });
    expect(await openBlob(next, migrated, { ...SEALING, migratedFrom: from })).toEqual(wrapped);
  });

  it('is not allowed by operators when no secret unlocks the root, or the blob holds none', async () => {
    const { old } = launch();
    const authority = { by: 'operators', secrets: [] } as const;
    const open = await sealBlob(old, await wrapRoot(ROOT, []), SEALING);
    expect(await codeOf(migrateBlob(old, open, { ...SEALING, to, authority }))).toBe('ENCLAVE_GRANT_REFUSED');
    const other = await sealBlob(old, ROOT, SEALING);
    expect(await codeOf(migrateBlob(old, other, { ...SEALING, to, authority }))).toBe('ENCLAVE_UNLOCK_INVALID');
  });
});
