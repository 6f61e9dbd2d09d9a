using DiffusionQuant.Benchmarks;

switch (args)
{
    case ["speed", .. var options]:
        return SpeedBenchmark.Run(options);
    case ["scales", .. var options]:
        return ScalesBenchmark.Run(options);
    case ["drift", .. var options]:
        return DriftBenchmark.Run(options);
    case ["load", .. var options]:
        return LoadBenchmark.Run(options);
    case ["calibration-memory", .. var options]:
        return CalibrationMemoryBenchmark.Run(options);
    case ["training-memory", .. var options]:
        return TrainingMemoryBenchmark.Run(options);
    case ["train-apart", var batch, var runs, var segments, var plan]:
        return TrainingMemoryBenchmark.Train(int.Parse(batch), int.Parse(runs), segments, plan);
    case ["quality", .. var options]:
        return QualityBenchmark.Run(options);
    case ["gradients", .. var options]:
        return GradientBenchmark.Run(options);
    case ["train", .. var options]:
        return TrainBenchmark.Run(options);
    case ["methods", .. var options]:
        return MethodsBenchmark.Run(options);
    case ["quantize-apart", var model, var folder, var recipe, var method]:
        return MethodsBenchmark.Quantize(model, folder, recipe, method);
    case ["calibrate", var model, var samples]:
        return CalibrationMemoryBenchmark.Calibrate(model, int.Parse(samples));
    default:
        Console.Error.WriteLine(
            $"""
            dotnet run -c Release --project benchmarks -- speed [--batches 1,4,16] [--runs 11] [--profile]
                Float, W8A8 and W4A8 files of the 35.7 M DDPM U-Net in turn within one process.
            dotnet run -c Release --project benchmarks -- scales [--batches 1,4,16] [--runs 31] [--bits W8A8] [--model FOLDER]
                What scales of timesteps and channels cost: files with and without them in turn within one process.
            dotnet run -c Release --project benchmarks -- drift [--bits W6A6] [--methods tcaq-dm:base,…] [--effort quick] [--images 64] [--steps 25] [--clip true] [--model FOLDER]
                Where along a sampler quantized networks leave the float network's path: errors of predictions and of samples.
            dotnet run -c Release --project benchmarks -- load [--runs 11] [--model FOLDER]
                Bytes and loading time of packed files, those whose channels have different widths among them.
            dotnet run -c Release --project benchmarks -- calibration-memory
                Peak memory of calibrating the same U-Net with 64 and with 1024 samples.
            dotnet run -c Release --project benchmarks -- training-memory [--batches 8,16,32]
                Peak memory and time of training steps of the same U-Net, with and without recomputation.
            dotnet run -c Release --project benchmarks -- quality [--images 2000] [--steps 25] [--model FOLDER]
                FID, KID, PSNR and SSIM of the sample's model at W8A8, W4A8 and W4A4 by each method without gradients.
            dotnet run -c Release --project benchmarks -- gradients [--runs 7] [--only NAME] [--alone] [--profile] [--device auto] [--threads 2]
                Loss, gradients and Adam's step of single blocks, and steps of whole networks (--only network), in turn with
                PyTorch where python3 has it.
            dotnet run -c Release --project benchmarks -- train --images FILE.npy [--steps 40] [--batch 16] [--config small] [--prediction v] [--device auto] [--threads 2]
                Training from images beside PyTorch: the same weights and batches, losses step by step, time per step.
            dotnet run -c Release --project benchmarks -- methods [--bits W8A8,W4A8,W6A6,W4A4] [--methods minmax,mse,gptq,q-diffusion,pqd,tcaq-dm]
                    [--effort standard] [--iterations N] [--policy strict] [--training-data FILE] [--images 2000] [--steps 25] [--sampler ddim] [--eta 0]
                    [--device auto] [--threads 0] [--batch 16] [--model FOLDER] [--output FILE]
                Methods side by side; goes on where it was stopped, and writes Markdown and JSON. Parts of methods have names too:
                {string.Join(", ", MethodVariants.Names)}.
            """
        );
        return 1;
}
