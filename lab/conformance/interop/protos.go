// Protos writes the contracts of grpc's interop suite, as grpc-go has them compiled in, into the folder that is named:
// no registry of packages that this repository uses has their source.
package main

import (
	"log"
	"os"

	"github.com/jhump/protoreflect/desc"
	"github.com/jhump/protoreflect/desc/protoprint"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatalf("usage: %s FOLDER", os.Args[0])
	}
	test, err := desc.WrapFile(testgrpc.File_grpc_testing_test_proto)
	if err != nil {
		log.Fatal(err)
	}
	files := []*desc.FileDescriptor{test}
	files = append(files, test.GetDependencies()...)
	if err := new(protoprint.Printer).PrintProtosToFileSystem(files, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
