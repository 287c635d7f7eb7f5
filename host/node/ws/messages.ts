// Messages that came → 'message', as binaryType and allowSynchronousEvents say; or 'stream', for those that
// are told as they come.

import { Option } from '../../../build/limpet.abi.js';
import type { Link } from '../link.js';
import type { Told } from '../streams.js';
import type { Peer, RawData, WebSocket } from './websocket.js';

/** Gives a whole message out. */
export function tell(link: Link<Peer>, data: Buffer, isBinary: boolean): void {
  const ws = link.owner as WebSocket;
  if (ws._rare?.events) {
    ws._rare.events.add(() => ws.emit('message', given(ws, data, isBinary), isBinary));
  } else if (isBinary && ws._binaryType !== 'nodebuffer') {
    ws.emit('message', given(ws, data, isBinary), isBinary);
  } else {
    ws.emit('message', data, isBinary);
  }
}

/** How messages of a connection are told once some of them come as streams. */
export function streamsOf({ loop, handle }: Link<Peer>): Told<Peer> {
  return {
    message: tell,
    stream: ({ owner }, reader, isBinary) => {
      const ws = owner as WebSocket;
      if (!ws._rare?.events) return ws.emit('stream', reader, isBinary);
      ws._rare.events.add(() => {
        // What nobody wants flows by.
        if (!ws.emit('stream', reader, isBinary)) reader.resume();
      });
      return true;
    },
    maxWhole: loop.core.exports.limpet_option_get(handle, Option.MESSAGE_MAX),
    maxStream: 0,
  };
}

/** A message as `binaryType` says; text is always a Buffer. */
function given(ws: WebSocket, data: Buffer, isBinary: boolean): RawData {
  if (!isBinary) return data;
  switch (ws._binaryType) {
    case 'nodebuffer':
      return data;
    case 'arraybuffer':
      return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
    case 'fragments':
      return data.length > 0 ? [data] : [];
    case 'blob':
      return new Blob([data as Uint8Array<ArrayBuffer>]);
  }
}
