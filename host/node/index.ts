// The package `limpet`.

export { Sent as SendStatus, ErrorCode } from '../../build/limpet.abi.js';
export { Core, errorName, LimpetError, type CoreStats } from '../core/core.js';
export type { Room, Selection } from './hub.js';
export type { Identity } from './certificates.js';
export type { ListenOptions } from './listen.js';
export type { CoreMemory, ServerMemory } from './memory.js';
export type { Metadata } from './metadata.js';
export type { Metrics } from './metrics.js';
export type { ServerOptions } from './options.js';
export type { Published } from './outbox.js';
export type { Heartbeat, RateLimit, Token } from './policies.js';
export type { Prepared } from './prepared.js';
export { Request, UpgradeRequest, type Acceptance, type Answer, type Headers } from './request.js';
export {
  ConnectionError,
  createServer,
  Server,
  type BroadcastOptions,
  type CloseOptions,
  type ServerEvents,
} from './server.js';
export {
  Socket,
  type Data,
  type KeepAlive,
  type PublishOptions,
  type RoundTrip,
  type SendOptions,
  type SocketStats,
} from './socket.js';
export type { MessageReader, MessageWriter, WriterOptions } from './streams.js';
export { TlsError, type TlsInfo } from './tls.js';
export type { TlsOptions } from './tls-options.js';
export type { AllMetrics, Everywhere, PublishedByAll } from './workers/all.js';
export type { WorkerEvent } from './workers/team.js';
