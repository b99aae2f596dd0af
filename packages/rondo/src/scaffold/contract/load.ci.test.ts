import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Folder, root } from '../../../test/scaffold/folder.js';
import { readImportGraph } from './imports.js';
import { type LoadOptions, loadContract } from './load.js';

const { signal } = new AbortController();

const load = (file: string, options: Partial<LoadOptions> = {}) =>
  loadContract({ root, source: { kind: 'file', path: file }, signal, ...options });

/** Loads `text` as a file of its own, and expects a refusal. */
async function refusal(text: string, name = 'it.proto'): Promise<string> {
  using folder = new Folder();
  const file = folder.write(name, text);
  const outcome = await load(file).then(
    () => 'taken',
    (error: unknown) => String(error),
  );
  return outcome.replaceAll(`${folder.path}/`, '').replaceAll(folder.path, 'FOLDER');
}

const GREETER = `syntax = "proto3";
package fixture;
import "google/type/money.proto";
import "google/protobuf/timestamp.proto";

service Greeter {
  rpc SayHello(HelloRequest) returns (HelloReply);
  rpc Collect(stream HelloRequest) returns (HelloReply);
  rpc list_hellos(HelloRequest) returns (stream HelloReply);
  rpc Chat(stream HelloRequest) returns (stream HelloReply);
}
service Empty {}
message HelloRequest { string class = 1; google.type.Money fee = 2; optional google.protobuf.Timestamp at = 3; }
message HelloReply { map<int64, Kind> kinds = 1; oneof which { Kind delete = 2; HelloReply self = 3; } }
enum Kind { KIND_UNSPECIFIED = 0; constructor = 1; }
`;

const RESOURCES = `syntax = "proto3";
package library;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
`;
/** A service of a resource by `google.api.resource`. */
const BOOKS = `service Book_Service {
  rpc CreateBook(CreateBookRequest) returns (Book);
  rpc GetBook(GetBookRequest) returns (Book);
  rpc ListBooks(ListBooksRequest) returns (ListBooksResponse);
  rpc LendBook(GetBookRequest) returns (Book);
}
message Book {
  option (google.api.resource) = { type: "library/Book" pattern: "shelves/{shelf}/books/{book}" };
  string name = 1;
  string isbn = 2 [(google.api.field_behavior) = REQUIRED, (buf.validate.field).string.email = true];
  repeated string tags = 3;
}
message CreateBookRequest { string parent = 1; Book book = 2; }
message GetBookRequest { string name = 1; }
message ListBooksRequest { string parent = 1; int32 page_size = 2; string page_token = 3; }
message ListBooksResponse { repeated Book books = 1; string next_page_token = 2; }
`;

const REFUSING = `syntax = "proto3";
package ruled;
import "buf/validate/validate.proto";
service Ruled {
  rpc Fields(FieldsRequest) returns (Answer);
  rpc Message(MessageRequest) returns (Answer);
  rpc Oneof(OneofRequest) returns (Answer);
  rpc Optional(OptionalRequest) returns (Answer);
}
message Answer {}
message FieldsRequest { string name = 1 [(buf.validate.field).string.min_len = 1]; }
message MessageRequest {
  option (buf.validate.message).cel = {id: "one", message: "give one", expression: "this.street != '' || this.box != 0"};
  string street = 1;
  int64 box = 2;
}
message OneofRequest {
  oneof what {
    option (buf.validate.oneof).required = true;
    string id = 1;
    int32 floor = 2;
  }
}
message OptionalRequest { optional int32 size = 1 [(buf.validate.field).int32.gt = 3]; }
`;

describe('a contract from elsewhere', () => {
  it('goes into the folder of its package, with its text, services and all kinds of methods', async () => {
    using folder = new Folder();
    const contract = await load(folder.write('my protos/fixture.proto', GREETER));
    const { file, files, services, foreign } = contract;
    expect(file).toBe('fixture/fixture.proto');
    expect(files).toMatchObject([{ path: file, bytes: Buffer.from(GREETER), state: 'new' }]);
    expect(foreign).toEqual([file]);
    expect(services).toMatchObject([
      {
        fullName: 'fixture.Greeter',
        name: 'Greeter',
        definition: 'GreeterDefinition',
        module: '@rondo/contracts/fixture/fixture',
        methods: [
          { name: 'SayHello', key: 'sayHello', requestStream: false, responseStream: false },
          { name: 'Collect', key: 'collect', requestStream: true, responseStream: false },
          { name: 'list_hellos', key: 'list_hellos', requestStream: false, responseStream: true },
          { name: 'Chat', key: 'chat', requestStream: true, responseStream: true },
        ],
      },
      { fullName: 'fixture.Empty', methods: [] },
    ]);
  });

  it('says which methods refuse a request without fields, by the rules of fields, messages and oneofs', async () => {
    using folder = new Folder();
    const { services } = await load(folder.write('refusing.proto', REFUSING));
    const [ruled] = services;
    expect(ruled?.methods.map(({ name, refusesEmpty }) => [name, refusesEmpty])).toEqual([
      ['Fields', true],
      ['Message', true],
      ['Oneof', true],
      ['Optional', false],
    ]);
  });

  it('comes with the imports next to it, but not those of packages; messages may share a name', async () => {
    using folder = new Folder({
      'a/v1/types.proto':
        'syntax = "proto3"; package a.v1; import public "b/v1/types.proto"; message Status { b.v1.Status s = 1; }',
      'b/v1/types.proto':
        'syntax = "proto3"; package b.v1; import "google/rpc/status.proto"; message Status { google.rpc.Status s = 1; }',
    });
    const text = `edition = "2023"; package a.v1; import "a/v1/types.proto"; import "rondo/options/v1/options.proto";
service S { rpc Get(Status) returns (b.v1.Status) { option idempotency_level = IDEMPOTENT; } }`;
    const { files, file } = await load(folder.write('a/v1/s.proto', text));
    expect(file).toBe('a/v1/s.proto');
    expect(files.map(({ path: name, state }) => [name, state])).toEqual([
      ['a/v1/s.proto', 'new'],
      ['a/v1/types.proto', 'new'],
      ['rondo/options/v1/options.proto', 'same'],
      ['b/v1/types.proto', 'new'],
    ]);
  });
});

describe('a contract of the tree', () => {
  it('is accepted again, unchanged, for the service that serves it', async () => {
    const { files, foreign } = await load(path.join(root, 'proto/rondo/registry/v1/registry.proto'), {
      for: 'registry',
    });
    expect(new Set(files.map(({ state }) => state))).toEqual(new Set(['same']));
    expect(foreign).toEqual([]);
  });
});

describe('a contract is refused', () => {
  it.each([
    ['that is not there', 'gone.proto', 'no such file exists; name the contract, a .proto file'],
    ['that is no contract', 'package.json', "isn't a .proto file; name the file that declares the service"],
  ])('%s', async (_name, file, why) => {
    const absolute = path.join(root, file);
    await expect(load(absolute)).rejects.toThrow(`${absolute}: ${why}`);
  });

  it('that declares no service, and the tree is unchanged', async () => {
    const before = readImportGraph(root);
    expect(await refusal('syntax = "proto3";\npackage none; message M {}')).toBe(
      'Refusal: it.proto: declares no service; name the file that declares one',
    );
    expect(readImportGraph(root)).toEqual(before);
  });

  it("that doesn't compile", async () => {
    expect(await refusal('syntax = "proto3";\npackage a.b;\nmessage M { Foo foo = 1; }')).toBe(
      'Refusal: it.proto:3: cannot find `Foo` in this scope; correct it',
    );
    const misspelt = 'syntax = "proto3";\npackage a.b;\nmessage M { Foo foo = 1; }\nmesage Foo { string a = 1; }';
    expect(await refusal(misspelt)).toMatch(
      /^Refusal: it\.proto:3: cannot find `Foo` .*\nit\.proto:4: .*; correct it$/s,
    );
  });

  it.each([
    ['elsewhere in proto/', 'rondo.conformance.v1', 'UnaryRequest'],
    ['in a package', 'grpc.health.v1', 'HealthCheckRequest'],
  ])('that declares a name that is declared %s', async (_, of, name) => {
    expect(await refusal(`syntax = "proto3";\npackage ${of};\n\nmessage ${name} {}\nservice S {}`)).toMatch(
      new RegExp(
        `\\.proto:\\d+: \`${name}\` declared multiple times; give the contract a package of its own, or import the file that has it$`,
      ),
    );
  });

  it('whose policies contradict each other, with the line', async () => {
    const text = `syntax = "proto3";
package a.v1;
import "rondo/options/v1/options.proto";
message M {}
service S {
  rpc Get(M) returns (M) {
    option (rondo.options.v1.method).idempotency.field = "none";
  }
}`;
    expect(await refusal(text)).toMatch(
      /^Refusal: it\.proto:7: S\.Get: idempotency\.field is "none", but a\.v1\.M has no field "none".*; correct it$/,
    );
  });

  it('whose paths over HTTP are those of another', async () => {
    const text = `syntax = "proto3"; package a.v1; import "google/api/annotations.proto"; import "rondo/options/v1/options.proto";
service S { rpc Get(M) returns (M) { option (google.api.http) = {get: "/v1/projects"}; } } message M {}`;
    expect(await refusal(text)).toContain('takes the same paths as GET /v1/projects of ');
  });

  it('when its caller has aborted', async () => {
    const caller = new AbortController();
    using folder = new Folder();
    const loading = load(folder.write('it.proto', GREETER), { signal: caller.signal });
    caller.abort(new Error('left'));
    await expect(loading).rejects.toThrow('left');
  });
});

/** Books of an author, of which a watch can be. */
const watchedBy = (author: string) =>
  BOOKS.replace(
    'string isbn',
    `string author = 4 [(google.api.resource_reference).type = "library/Author"${author}];\n  string isbn`,
  )
    .replace(
      '  rpc LendBook',
      '  rpc UpdateBook(UpdateBookRequest) returns (Book);\n  rpc WatchBooks(WatchBooksRequest) returns (stream WatchBooksResponse);\n  rpc LendBook',
    )
    .concat(`message UpdateBookRequest { Book book = 1; google.protobuf.FieldMask update_mask = 2; }
message WatchBooksRequest { string author = 1; string resume_token = 2; }
message WatchBooksResponse { oneof event { Books snapshot = 1; Book book_changed = 2; string book_deleted = 3; } string resume_token = 4; }
message Books { repeated Book books = 1; bool first = 2; bool more = 3; }
`);

describe('the resources of a contract', () => {
  /** The same with another name, and another text in one place. */
  const other = (name: string, from: string, to: string) =>
    BOOKS.replace(from, to).replaceAll('Book', name).replaceAll('book', name.toLowerCase());

  it('have the standard methods, with values that their rules accept; all others are left to handlers', async () => {
    using folder = new Folder();
    const all = [
      BOOKS,
      other('Form', 'int32 page_size = 2; ', ''),
      other('Lost', 'rpc GetBook(', 'rpc FindBook('),
      other('Map', 'repeated string tags', 'map<int64, string> tags'),
      other('Twice', 'pattern: "', 'pattern: "books/{book}" pattern: "'),
    ];
    const { services } = await load(folder.write('library.proto', `${RESOURCES}${all.join('')}`));
    expect(services).toHaveLength(5);
    const [book, ...others] = services.flatMap((one) => one.resources);
    expect(others).toEqual([]);
    expect(services.flatMap((one) => one.byHand ?? [])).toEqual([
      'library.Form has ListForms in another form than the standard one',
      'library.Lost has no GetLost',
      expect.stringContaining('library.Map: tags has the type map, which needs columns of its own'),
      'library.Twice has names of 2 patterns',
    ]);
    expect(book).toMatchObject({
      One: 'Book',
      one: 'book',
      many: 'books',
      message: 'Book',
      kind: 'library/Book',
      methods: ['createBook', 'getBook', 'listBooks'],
      sample: [['isbn', "'ada@example.com'", 'ada@example.com']],
    });
    expect(book?.describeTable({ table: 'books' }).create).toContain("tags text[] NOT NULL DEFAULT '{}'");
  });

  it('may be watched by a reference, unless an update can change the reference', async () => {
    using folder = new Folder();
    const head = `${RESOURCES}import "google/protobuf/field_mask.proto";\n`;
    const loaded = async (author: string) => {
      const { services } = await load(folder.write('library.proto', `${head}${watchedBy(author)}`));
      return services[0];
    };
    expect(await loaded('')).toMatchObject({
      resources: [],
      byHand: ['library.Book has WatchBooks in another form than the standard one'],
    });
    const kept = await loaded(', (google.api.field_behavior) = IMMUTABLE');
    expect(kept?.byHand).toEqual([]);
    expect(kept?.resources[0]?.methods).toContain('watchBooks');
  });
});
