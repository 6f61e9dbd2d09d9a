using DiffusionQuant.Build.Tests.Fakes;

// Stands in for the tool: the same command lines, cache, lock and prefixed lines, but it only writes down what it was
// asked. Environment variables tell it to misbehave:
//   FAKE_DIFFQUANT_LOG           file that gets a JSON line for each run, and another one when it ends
//   FAKE_DIFFQUANT_LINES         lines to print
//   FAKE_DIFFQUANT_SLEEP         milliseconds that quantizing takes
//   FAKE_DIFFQUANT_EXIT          exit code; other than 0, nothing is written
//   FAKE_DIFFQUANT_EMPTY         write no model although all is well
//   FAKE_DIFFQUANT_VERIFY_*      the same for `verify`
return args[0] switch
{
    "quantize" => await Quantization.RunAsync(new Request(args, "FAKE_DIFFQUANT_")),
    "verify" => await Verification.RunAsync(new Request(args, "FAKE_DIFFQUANT_VERIFY_")),
    _ => throw new ArgumentException($"There is no command '{args[0]}'."),
};
