import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { ProtegoError } from '@protego/contracts';
import { CallChannel } from './call-channel';
import { FrameWriter } from './frame-bytes';
import { FrameChannel } from './frame-channel';
import { KeeperLink, LINK_CALLS } from './replica-link';

describe('KeeperLink', () => {
  let server: Server;
  let keeper: CallChannel;
  let replicaSocket: Socket;

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    replicaSocket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [keeperSocket] = (await once(server, 'connection')) as [Socket];
    const answer = (): Promise<FrameWriter> => Promise.resolve(new FrameWriter());
    keeper = new CallChannel((frames) => FrameChannel.overSocket(keeperSocket, frames), { answer, onEnd() {} });
  });

  afterEach(() => {
    keeper.close();
    replicaSocket.destroy();
    server.close();
  });

  function linkTo(applyChange: (bytes: Buffer, number: number) => void): { link: KeeperLink; faults: unknown[] } {
    const faults: unknown[] = [];
    const link = new KeeperLink(
      {
        onOpen: async () => ({ applyChange }),
        onChanged() {},
        onFault: (error) => faults.push(error),
        onEnd() {},
        onMeasure: async () => Buffer.alloc(32),
      },
      (frames) => FrameChannel.overSocket(replicaSocket, frames),
    );
    return { link, faults };
  }

  async function open(): Promise<void> {
    const writer = new FrameWriter();
    writer.bytes(Buffer.alloc(32, 1));
    writer.bytes(Buffer.alloc(32, 2));
    writer.text('{}');
    await keeper.call(LINK_CALLS.open, writer);
  }

  function change(changes: number, number: number): FrameWriter {
    const writer = new FrameWriter();
    writer.u32(changes);
    writer.u32(1);
    writer.u32(number);
    writer.bytes(Buffer.from('slot'));
    return writer;
  }

  it('takes changes over in their order, and tells how many it knows of', async () => {
    const applied: number[] = [];
    const { link, faults } = linkTo((_, number) => applied.push(number));
    const early = keeper.call(LINK_CALLS.changes, change(1, 7));
    await open();
    await early;
    await keeper.call(LINK_CALLS.changes, change(2, 8));
    await link.knowing(2);
    expect([applied, link.changes, faults]).toEqual([[7, 8], 2, []]);
  });

  it('gives up when it cannot take a change over: whoever waits for it would wait for ever', async () => {
    const damaged = new ProtegoError('LOG_KEYS_DAMAGED', 'a change cannot be read');
    const { link, faults } = linkTo(() => {
      throw damaged;
    });
    await open();
    await expect(keeper.call(LINK_CALLS.changes, change(1, 7))).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
    expect([faults, link.changes]).toEqual([[damaged], 0]);
  });
});
