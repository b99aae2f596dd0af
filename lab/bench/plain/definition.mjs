/**
 * What grpc-js serves and calls by, from what ts-proto generates; `outputServices=grpc-js` would generate the same.
 */
export function toGrpcDefinition({ fullName, methods }) {
  const entries = Object.entries(methods).map(
    ([key, { name, requestType, requestStream, responseType, responseStream }]) => [
      key,
      {
        path: `/${fullName}/${name}`,
        requestStream,
        responseStream,
        requestSerialize: (message) => Buffer.from(requestType.encode(message).finish()),
        requestDeserialize: (bytes) => requestType.decode(bytes),
        responseSerialize: (message) => Buffer.from(responseType.encode(message).finish()),
        responseDeserialize: (bytes) => responseType.decode(bytes),
      },
    ],
  );
  return Object.fromEntries(entries);
}
