// Records what Go's protojson makes of the lines of values.txt, for json-values.ci.test.ts:
//
//	cd services/gateway/test/json-values && go run . > answers.json
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

type answer struct {
	Line    string          `json:"line"`
	Message []byte          `json:"message,omitempty"` // the message in binary, if protojson takes the line
	Text    json.RawMessage `json:"text,omitempty"`    // the message as protojson writes it
	Error   string          `json:"error,omitempty"`   // why protojson refuses the line
}

type record struct {
	How         string   `json:"how"`
	Descriptors []byte   `json:"descriptors"` // a FileDescriptorSet of values.proto
	Answers     []answer `json:"answers"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{})}
	files, err := compiler.Compile(context.Background(), "values.proto")
	if err != nil {
		return err
	}
	set, err := proto.MarshalOptions{Deterministic: true}.Marshal(withImports(files[0]))
	if err != nil {
		return err
	}
	registry := new(protoregistry.Files)
	if err := register(registry, files[0]); err != nil {
		return err
	}
	lines, err := os.Open("values.txt")
	if err != nil {
		return err
	}
	defer lines.Close()
	recorded := record{How: how(), Descriptors: set}
	types := dynamicpb.NewTypes(registry)
	scanner := bufio.NewScanner(lines)
	for scanner.Scan() {
		if strings.HasPrefix(scanner.Text(), "#") {
			continue
		}
		recorded.Answers = append(recorded.Answers, ask(scanner.Text(), files[0].Messages().ByName("Values"), types))
	}
	if err := scanner.Err(); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	return out.Encode(recorded)
}

func ask(line string, desc protoreflect.MessageDescriptor, types *dynamicpb.Types) answer {
	request := bytesOf(line)
	message := dynamicpb.NewMessage(desc)
	if err := (protojson.UnmarshalOptions{Resolver: types}).Unmarshal(request, message); err != nil {
		// The library puts a random kind of space into its errors.
		return answer{Line: line, Error: strings.ReplaceAll(err.Error(), "\u00a0", " ")}
	}
	binary, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return answer{Line: line, Error: err.Error()}
	}
	text, err := protojson.MarshalOptions{Resolver: types}.Marshal(message)
	if err != nil {
		return answer{Line: line, Message: binary, Error: "writing: " + err.Error()}
	}
	return answer{Line: line, Message: binary, Text: text}
}

var escaped = regexp.MustCompile(`\\x[0-9a-f]{2}`)

func bytesOf(line string) []byte {
	return escaped.ReplaceAllFunc([]byte(line), func(match []byte) []byte {
		value, _ := strconv.ParseUint(string(match[2:]), 16, 8)
		return []byte{byte(value)}
	})
}

func how() string {
	version := "?"
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "google.golang.org/protobuf" {
			version = module.Version
		}
	}
	return fmt.Sprintf("cd services/gateway/test/json-values && go run . > answers.json; %s, google.golang.org/protobuf %s", runtime.Version(), version)
}

func withImports(file protoreflect.FileDescriptor) *descriptorpb.FileDescriptorSet {
	set := new(descriptorpb.FileDescriptorSet)
	for i := range file.Imports().Len() {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file.Imports().Get(i)))
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	return set
}

func register(registry *protoregistry.Files, file protoreflect.FileDescriptor) error {
	for i := range file.Imports().Len() {
		if err := registry.RegisterFile(file.Imports().Get(i).FileDescriptor); err != nil {
			return err
		}
	}
	return registry.RegisterFile(file)
}
