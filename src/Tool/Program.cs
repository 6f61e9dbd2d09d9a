using System.Text;
using DiffusionQuant.Tool;
using DiffusionQuant.Tool.CommandLine;

// The build's task reads lines as UTF-8 on every system.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using var interruption = new Interruption();
return await ToolRunner.RunAsync(args, ToolHost.OfThisProcess(), interruption.Token);
