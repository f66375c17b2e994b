import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NoteSigner } from '@protego/enclave';
import { fixedKeys } from '@protego/enclave/testing';
import { inTemporaryDirectory } from '../testing';
import { append, openPublisher } from '../testing/published-tree';
import { readCheckpointHistory } from './checkpoint-files';
import { MerkleTree } from './merkle-tree';

/** A signer that signs when it is told to. */
class HeldSigner implements NoteSigner {
  readonly publicKey = fixedKeys().signer.publicKey;
  readonly asked: { readonly text: string; sign(): void; fail(error: Error): void }[] = [];
  open = 0;
  mostOpen = 0;

  async sign(message: Buffer): Promise<Buffer> {
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    try {
      await new Promise<void>((resolve, reject) => {
        this.asked.push({ text: message.toString(), sign: resolve, fail: reject });
      });
      return await fixedKeys().signer.sign(message);
    } finally {
      this.open--;
    }
  }

  /** Waits until so many signatures were asked for. */
  async until(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  get sizes(): number[] {
    return this.asked.map(({ text }) => sizeOf(text));
  }
}

const sizeOf = (note: string): number => Number(note.split('\n')[1]);
const historyOf = (directory: string): number[] =>
  [...readCheckpointHistory(directory)].map(({ note }) => sizeOf(note));

describe('checkpoints whose key is far away', () => {
  it('are signed one after the other, each over what is durable when its turn comes', async () => {
    await inTemporaryDirectory(async (directory) => {
      const [tree, signer] = [new MerkleTree(), new HeldSigner()];
      const publisher = await openPublisher(directory, tree, {
        signer,
        policy: { everyRecords: 100, everyMs: 10_000 },
      });
      const heard: number[] = [];
      publisher.onCheckpoint(({ size }) => heard.push(size));
      append(publisher, tree, 300);
      await signer.until(1);
      append(publisher, tree, 500, 50);
      const second = publisher.sign();
      append(publisher, tree, 700, 50);
      const third = publisher.sign();
      expect([publisher.latest, heard, signer.sizes]).toEqual([undefined, [], [300]]);
      signer.asked[0]?.sign();
      await signer.until(2);
      expect(publisher.latest).toMatchObject({ size: 300 });
      signer.asked[1]?.sign();
      expect(await second).toMatchObject({ size: 700, root: tree.root() });
      expect(await third).toEqual(await second);
      expect(signer.mostOpen).toBe(1);
      await publisher.close();
      expect(heard).toEqual([300, 700]);
      expect(historyOf(directory)).toEqual([300, 700]);
    });
  });

  it('are waited for when the log closes, and what came since is signed', async () => {
    await inTemporaryDirectory(async (directory) => {
      const [tree, signer] = [new MerkleTree(), new HeldSigner()];
      const publisher = await openPublisher(directory, tree, { signer });
      append(publisher, tree, 300);
      const first = publisher.sign();
      await signer.until(1);
      append(publisher, tree, 400);
      const closed = publisher.close();
      signer.asked[0]?.sign();
      await signer.until(2);
      signer.asked[1]?.sign();
      expect(await closed).toMatchObject({ size: 400 });
      expect(await first).toMatchObject({ size: 300 });
      expect(historyOf(directory)).toEqual([300, 400]);
      await expect(publisher.sign()).rejects.toMatchObject({ code: 'LOG_CLOSED' });
      expect(signer.asked).toHaveLength(2);
    });
  });

  it('end for good when it cannot be reached', async () => {
    await inTemporaryDirectory(async (directory) => {
      const [tree, signer] = [new MerkleTree(), new HeldSigner()];
      const publisher = await openPublisher(directory, tree, { signer });
      const heard = jest.fn();
      publisher.onCheckpoint(heard);
      append(publisher, tree, 300);
      const outcomes = Promise.allSettled([publisher.sign(), publisher.sign()]);
      await signer.until(1);
      const gone = new Error('the enclave is gone');
      signer.asked[0]?.fail(gone);
      expect(await outcomes).toEqual([
        { status: 'rejected', reason: gone },
        { status: 'rejected', reason: gone },
      ]);
      expect(publisher.failure).toBe(gone);
      await expect(publisher.close()).rejects.toBe(gone);
      expect(heard).not.toHaveBeenCalled();
      expect(existsSync(join(directory, 'checkpoint'))).toBe(false);
      expect(signer.asked).toHaveLength(1);
    });
  });
});
