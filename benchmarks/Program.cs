using DiffusionQuant.Benchmarks;

BenchmarkCommand[] commands =
[
    new(
        "speed",
        "[--batches 1,4,16] [--runs 11] [--profile]",
        "Float, W8A8 and W4A8 files of the 35.7 M DDPM U-Net in turn within one process.",
        SpeedBenchmark.Run
    ),
    new(
        "scales",
        "[--batches 1,4,16] [--runs 31] [--bits W8A8] [--model FOLDER]",
        "What scales of timesteps and channels cost: files with and without them in turn within one process.",
        ScalesBenchmark.Run
    ),
    new(
        "drift",
        "[--bits W6A6] [--methods tcaq-dm:base,…] [--effort quick] [--images 64] [--steps 25] [--clip true] [--model FOLDER]",
        "Where along a sampler quantized networks leave the float network's path: errors of predictions and of samples.",
        DriftBenchmark.Run
    ),
    new(
        "load",
        "[--runs 11] [--model FOLDER]",
        "Bytes and loading time of packed files, those whose channels have different widths among them.",
        LoadBenchmark.Run
    ),
    new(
        "calibration-memory",
        "",
        "Peak memory of calibrating the same U-Net with 64 and with 1024 samples.",
        CalibrationMemoryBenchmark.Run
    ),
    new(
        "training-memory",
        "[--batches 8,16,32]",
        "Peak memory and time of training steps of the same U-Net, with and without recomputation.",
        TrainingMemoryBenchmark.Run
    ),
    new(
        "quality",
        "[--images 2000] [--steps 25] [--model FOLDER]",
        "FID, KID, PSNR and SSIM of the sample's model at W8A8, W4A8 and W4A4 by each method without gradients.",
        QualityBenchmark.Run
    ),
    new(
        "stability",
        "[--models ddpm-fashion,sd-clothes] [--work FOLDER] [--output FILE] [--table]",
        "What the gate says of quantizations that are as good as the verified one, and of worse ones. Run it several times\nbeside each other with one work folder to share the work; --table only writes what is there.",
        StabilityBenchmark.Run
    ),
    new(
        "kernels",
        "[--write FOLDER] [--compare FOLDER] [--bits W8A8] [--method minmax] [--images 2] [--steps 5] [--model FOLDER]",
        "How far processors' kernels differ: --write keeps a quantized file, what the float model computes and the pictures of\nboth; --compare, on another processor, computes all of it again and says how much differs.",
        KernelsBenchmark.Run
    ),
    new(
        "gradients",
        "[--runs 7] [--only NAME] [--alone] [--profile] [--device auto] [--threads 2]",
        "Loss, gradients and Adam's step of single blocks, and steps of whole networks (--only network), in turn with\nPyTorch where python3 has it.",
        GradientBenchmark.Run
    ),
    new(
        "train",
        "--images FILE.npy [--steps 40] [--batch 16] [--config small] [--prediction v] [--device auto] [--threads 2]",
        "Training from images beside PyTorch: the same weights and batches, losses step by step, time per step.",
        TrainBenchmark.Run
    ),
    new(
        "methods",
        "[--bits W8A8,W4A8,W6A6,W4A4] [--methods minmax,mse,gptq,q-diffusion,pqd,tcaq-dm] [--effort standard]\n[--iterations N] [--policy strict] [--training-data FILE] [--images 2000] [--steps 25] [--sampler ddim] [--eta 0]\n[--device auto] [--threads 0] [--batch 16] [--model FOLDER] [--output FILE] [--work FOLDER]\nor: --model sd-clothes [--bits W8A8,W4A8,W4A4,W3A6] [--methods minmax,mse,gptq,pqd,tcaq-dm,mpq-dm] [--images 1000]\n[--guidance 4] and the above without --sampler, --eta, --training-data and --batch",
        $"Methods side by side; goes on where it was stopped, and writes Markdown and JSON. Of a model of prompts with a judge\nbeside it (sd-clothes) it says too how far pictures show what prompts say. Parts of methods have names too:\n{string.Join(", ", MethodVariants.Names)}.",
        MethodsBenchmark.Run
    ),
    new(
        "clothes-reference",
        "[--articles artifacts/datasets/fashion-mnist/fashion-mnist.npy] [--images 20000]",
        "Makes the features of real pictures beside sd-clothes's judge, of Fashion-MNIST (dotnet run eng/datasets.cs -- fashion-mnist).",
        ClothesReference.Run
    ),
];

// Benchmarks that measure in processes of their own call these.
switch (args)
{
    case ["train-apart", var batch, var runs, var segments, var plan]:
        return TrainingMemoryBenchmark.Train(int.Parse(batch), int.Parse(runs), segments, plan);
    case ["quantize-apart", var model, var folder, var recipe, var method]:
        return ApartQuantization.Child(model, folder, recipe, method);
    case ["calibrate", var model, var samples]:
        return CalibrationMemoryBenchmark.Calibrate(model, int.Parse(samples));
}

if (Array.Find(commands, c => args is [var name, ..] && name == c.Name) is not { } command)
{
    Console.Error.WriteLine(string.Join("\n", commands.Select(c => c.Help)));
    return 1;
}

var options = args[1..];
if (command.UnknownIn(options) is { } unknown)
{
    // Some benchmarks take hours: a word that is misread must not start one with its defaults.
    Console.Error.WriteLine($"'{unknown}' is no option of '{command.Name}'.\n{command.Help}");
    return 1;
}

return command.Run(options);
