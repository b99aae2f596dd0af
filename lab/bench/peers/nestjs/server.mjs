// NestJS as its documentation has it for gRPC: a controller of a microservice, with streams as observables. The decorators are
// called as compiled TypeScript calls them. The logger is off.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcMethod, GrpcStreamMethod } from '@nestjs/microservices';
import { freePort } from '@rondo/harness';
import { from, map, reduce } from 'rxjs';
import { countTo, createTally, echo } from '../answers.mjs';
import { optionsAt } from './options.mjs';

class ConformanceController {
  unary(request) {
    return echo(request);
  }

  serverStream({ count }) {
    return from(countTo(count));
  }

  clientStream(requests) {
    const count = (tally, request) => {
      tally.take(request);
      return tally;
    };
    return requests.pipe(
      reduce(count, createTally()),
      map((tally) => tally.reply()),
    );
  }

  bidiStream(requests) {
    return requests.pipe(map(({ text }) => ({ text })));
  }
}

class AppModule {}

function decorate() {
  const decorators = {
    unary: GrpcMethod('ConformanceService', 'Unary'),
    serverStream: GrpcMethod('ConformanceService', 'ServerStream'),
    clientStream: GrpcStreamMethod('ConformanceService', 'ClientStream'),
    bidiStream: GrpcStreamMethod('ConformanceService', 'BidiStream'),
  };
  const { prototype } = ConformanceController;
  for (const [name, decorator] of Object.entries(decorators)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    Object.defineProperty(prototype, name, decorator(prototype, name, descriptor) ?? descriptor);
  }
  Controller()(ConformanceController);
  Module({ controllers: [ConformanceController] })(AppModule);
}

export async function serve() {
  decorate();
  const address = `127.0.0.1:${await freePort()}`;
  const app = await NestFactory.createMicroservice(AppModule, { ...optionsAt(address), logger: false });
  await app.listen();
  return address;
}
